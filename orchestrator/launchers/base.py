"""What every launcher is asked, and what it gives back."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg

from orchestrator.pipes import LoaderMessages


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderCall:
    """One start of a loader.

    Attributes:
        verb: what it is to do.
        staging_path: where its request lies.
        environment: the whole environment that it gets; holds the database password.
        step: the step that it belongs to; None outside a run, where no Pipes session is opened.
        log: where its messages go.
        extras: small facts for the Pipes context, such as the asset and partition keys.
    """

    verb: Literal["load", "read"]
    staging_path: str
    environment: Mapping[str, str] = field(repr=False)
    step: dg.OpExecutionContext | None
    log: dg.DagsterLogManager
    extras: Mapping[str, Any] = field(default_factory=dict)

    @contextmanager
    def pipes_session(self, messages: LoaderMessages) -> Iterator[Mapping[str, str]]:
        """Open a Pipes session, and give the environment variables that lead a loader to it.

        Args:
            messages: a reader of its own for this start; it keeps what it heard.
        """
        if self.step is None:
            yield {}
            return
        with dg.open_pipes_session(
            context=self.step,
            extras=dict(self.extras),
            context_injector=dg.PipesTempFileContextInjector(),
            message_reader=messages,
        ) as session:
            yield session.get_bootstrap_env_vars()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderEnd:
    """How a loader process ended, by itself or not; says nothing about the data.

    Attributes:
        exit_code: what it exited with; None where a signal ended it or where it cannot be told.
        signal: the name of the signal that ended it, such as ``"SIGKILL"``.
        messages: what it said through Pipes.
    """

    exit_code: int | None
    signal: str | None
    messages: LoaderMessages


class Launcher(dg.ConfigurableResource[Any]):
    """Starts a loader, follows it to its end, and stops it hard when the step is interrupted."""

    @abstractmethod
    def launch(self, call: LoaderCall) -> LoaderEnd:
        """Run a loader to its end.

        An interrupt of the step stops the loader and is raised again; no loader outlives it.

        Raises:
            FailureError: the loader could not be started.
        """

"""How a loader process is started, followed and stopped: one class per place that it runs in."""

from orchestrator.launchers.base import Launcher, LoaderCall, LoaderEnd

__all__ = ["Launcher", "LoaderCall", "LoaderEnd"]

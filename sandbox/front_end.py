"""The listening socket, and a thread for every client."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from .errors import BackendError, ClientGoneError, RedshiftError
from .session import Session
from .startup import open_session, refusal
from .wire import Stream, error_response

if TYPE_CHECKING:
    import logging
    import ssl

    from .cluster import Cluster


_PAUSE = 0.05
"""Seconds between two attempts when no connection can be taken (no file descriptors, say)."""


class FrontEnd:
    """What listens where a Redshift would.

    Args:
        cluster: The cluster that sessions are opened in.
        host: The address to bind to.
        port: The port, or 0 for a free one.
        tls: The server's certificate, or None to refuse TLS.
        log: Where the sandbox's own errors go.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        log: logging.Logger,
    ) -> None:
        self._cluster = cluster
        self._tls = tls
        self._log = log
        self._clients: set[Stream] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._listener = socket.create_server((host, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, name="sandbox-listener", daemon=True)

    def start(self) -> None:
        """Take connections."""
        self._thread.start()

    def _listen(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                self._log.info("no connection was taken: %s", error)
                time.sleep(_PAUSE)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(
                target=self._serve, args=(Stream(sock),), name="sandbox-session", daemon=True
            ).start()

    def _serve(self, client: Stream) -> None:
        with self._lock:
            self._clients.add(client)
        try:
            self._session(client)
            client.say_goodbye()
        except ClientGoneError as error:
            self._log.debug("a client went away: %s", error)
        except Exception:  # noqa: BLE001 - whatever it is, it ends this session only
            if not self._closing:
                self._log.exception("a session ended with a bug of the sandbox")
        finally:
            client.close()
            with self._lock:
                self._clients.discard(client)

    def _session(self, client: Stream) -> None:
        try:
            backend = open_session(client, self._cluster.postgres.socket, self._tls)
        except (BackendError, RedshiftError) as error:
            client.send(error_response(refusal(error)))
            return
        if backend is None:
            return
        busy = True
        try:
            Session(client, backend, self._cluster, self._log).serve()
            busy = False
        except RedshiftError as error:
            client.send(error_response(error.fields()))
        finally:
            backend.close(busy=busy)

    def stop(self) -> None:
        """Close the listener and every connection."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for clients
        self._listener.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.close()

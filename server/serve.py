"""Runs the web process: granian with one worker, whose blocking threads call the Flask application."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from server.errors import OperationError
from server.settings import Settings


def serve(site: Path, settings: Settings, *, ready: Callable[[], None] | None = None) -> None:
    """Serve the current generation of a site until stopped; raise OperationError when the port is taken."""
    _check_address(settings.host, settings.port)
    server = Server(
        "server:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 4,
        log_level=LogLevels.error,
        workers_kill_timeout=30,
    )
    if ready:
        server.on_startup(ready)
    server.serve(target_loader=partial(application, site, settings), wrap_loader=False)


def application(site: Path, settings: Settings) -> Callable[..., Any]:
    """Return the WSGI application of a site; called in granian's worker process."""
    from server import create_app
    from server.views.operations import front

    return front(create_app(site, settings))


def _check_address(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise OperationError(
            f"There is no port {port}; ports are 1 to 65535.", f"Port {port} finns inte; ange 1 till 65535."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OperationError(
                    f"Port {port} is in use. Choose another with --port.",
                    f"Port {port} används redan. Välj en annan med --port.",
                ) from None
            raise OperationError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --host.",
                f"Det går inte att lyssna på {host}:{port}: {error.strerror}. Välj en annan --host.",
            ) from None

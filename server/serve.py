"""Runs the web process: granian with one worker, whose blocking threads call the Flask application.

The process that was started only listens for signals. It starts the web process, starts another one in its place when
it dies, and on SIGHUP, or when site.toml has changed, brings up one with the new configuration before the old one,
having finished what it was asked, leaves. A configuration that is wrong changes nothing.
"""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from loaders.errors import LoadError
from loaders.findings import Language
from server.access_log import FORMS
from server.data_version import check_version
from server.error_log import log_in_background
from server.errors import OperationError, SettingsError
from server.generations import DataFolder
from server.memory import settle, share_arenas
from server.sandbox import end_with_parent
from server.settings import Settings, read_settings
from server.site import Site, read_site

DRAIN_SECONDS = 30
_MOST_THREADS = 1_024
_LOOK_SECONDS = 2.0
_UNTIL_READY = 1.5  # how long a new web process may take before the old one stops taking connections
_AT_START = ("host", "port", "data", "follow", "follow_seconds")
_log = logging.getLogger("torg")

Companion = Callable[[], None]
Tell = Callable[[str, str], None]  # takes the sentence in Swedish and in English


def serve(
    site: Path,
    settings: Settings,
    *,
    ready: Callable[[], None] | None = None,
    flags: Mapping[str, Any] | None = None,
    companion: Companion | None = None,
    tell: Tell | None = None,
) -> None:
    """Serve the current generation of a site until SIGTERM or SIGINT; then finish what is being answered.

    `flags` are the command's own settings, which a changed site.toml does not override. `companion` is run in a process
    of its own beside the web process, and `tell` says in Swedish or English what a reload did. Raises OperationError
    or LoadError, before anything listens, when the port is taken, the site is wrong, or the data folder is of a newer
    torg.
    """
    loader = WebProcess(site, settings)
    check(site, settings)
    _check_address(settings.host, settings.port)
    server = _Server(
        "server:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 4,
        log_level=LogLevels.error,
        workers_kill_timeout=DRAIN_SECONDS,
        respawn_failed_workers=True,
        respawn_interval=_UNTIL_READY,
    )
    server.torg_loader, server.torg_flags, server.torg_tell = loader, dict(flags or {}), tell or _english
    server.torg_seen = _stamp(site / "site.toml")
    if ready:
        server.on_startup(ready)
    beside = multiprocessing.Process(target=companion, daemon=True) if companion is not None else None
    if beside is not None:
        beside.start()
    watcher = threading.Thread(target=_watch, args=(site / "site.toml", server), daemon=True)
    watcher.start()
    server.serve(target_loader=loader, wrap_loader=False)


class WebProcess:
    """Makes the WSGI application in the web process; what it holds is what the next web process gets."""

    def __init__(self, site: Path, settings: Settings) -> None:
        self.site, self.settings = site, settings
        self.parent = os.getpid()

    def __call__(self) -> Callable[..., Any]:
        """Return the application; called by granian in the web process."""
        end_with_parent(self.parent)
        share_arenas()
        log_in_background()
        return application(self.site, self.settings)


def application(site: Path, settings: Settings) -> Callable[..., Any]:
    """Return the WSGI application of a site; called in granian's worker process."""
    from server import create_app
    from server.views.operations import front

    app = front(create_app(site, settings))
    settle()
    return app


class _Server(MPServer):
    """granian's server, which asks before a reload whether the new configuration can be served."""

    torg_loader: WebProcess
    torg_flags: dict[str, Any]
    torg_tell: Tell
    torg_seen: tuple[int, int, int]

    def _reload(self, spawn_target: Any, target_loader: Any) -> None:
        loader = self.torg_loader
        self.torg_seen = _stamp(loader.site / "site.toml")
        try:
            settings, moved = reloaded(loader.site, loader.settings, self.torg_flags)
        except (OperationError, LoadError) as error:
            self.reload_signal = False
            self.main_loop_interrupt.clear()
            self.torg_tell(
                f"Inställningarna är inte inlästa på nytt; de som var gäller. {sentence(error, 'sv')}",
                f"The configuration is not reloaded; the one before it goes on. {sentence(error, 'en')}",
            )
            return
        loader.settings = settings
        self.blocking_threads, self.backpressure = settings.threads, settings.threads * 4
        super()._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        later = ", ".join(moved)
        self.torg_tell(
            "Inställningarna är inlästa på nytt." + (f" Kräver omstart: {later}." if moved else ""),
            "The configuration is reloaded." + (f" Changed by a restart only: {later}." if moved else ""),
        )


def reloaded(site: Path, before: Settings, flags: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """Return the settings as the site's files say now, and the names of those that only a restart changes.

    Where the server listens and what it serves is decided when it starts, so those stay as they were. Raises
    OperationError or LoadError when the settings cannot be served.
    """
    settings = read_settings(read_site(site).raw, flags=flags)
    kept = {name: getattr(before, name) for name in _AT_START}
    moved = [name for name in _AT_START if getattr(settings, name) != kept[name]]
    settings = Settings({**settings.values, **kept})
    check(site, settings, loaded=True)
    return settings, moved


def check(site: Path, settings: Settings, *, loaded: bool = False) -> Site:
    """Return the site when it can be served; raise OperationError or LoadError that says why it cannot.

    At a reload a base that nothing is published under is refused, since every address would answer 404.
    """
    from server import create_app

    found = read_site(site)
    if str(settings.access_log) not in FORMS:
        forms = ", ".join(FORMS)
        raise SettingsError(
            f"access_log is {settings.access_log!r}; it takes {forms}.",
            f"access_log är {settings.access_log!r}; ange {forms}.",
        )
    if not 1 <= settings.threads <= _MOST_THREADS:
        raise SettingsError(
            f"threads is {settings.threads}; it takes 1 to {_MOST_THREADS}.",
            f"threads är {settings.threads}; ange 1 till {_MOST_THREADS}.",
        )
    data = settings.data_folder(site)
    check_version(data)
    if not os.access(data, os.R_OK | os.X_OK) and data.exists():
        raise OperationError(
            f"{data} cannot be read by this user. Let the user that runs torg read it.",
            f"{data} går inte att läsa för den här användaren. Ge den som kör torg rätt att läsa där.",
        )
    create_app(site, settings).extensions["torg"].close()
    current = DataFolder(data).current() if loaded else None
    if current is not None:
        with closing(current):
            published = str(current.manifest["base"])
        if published != found.base:
            raise OperationError(
                f"The base is {found.base} now, and what is published has {published}. Run torg rebase and torg "
                "publish, then reload.",
                f"Basadressen är nu {found.base}, men det publicerade har {published}. Kör torg rebase och torg "
                "publish, och läs sedan in på nytt.",
            )
    return found


def sentence(error: OperationError | LoadError, language: Language) -> str:
    """Return what an error says, with the file it is about."""
    if isinstance(error, OperationError):
        return error.sv if language == "sv" else error.en
    finding = error.finding
    return f"{finding.place(language)}: {finding.text(language)} {finding.advice(language)}"


def _english(sv: str, en: str) -> None:
    _log.warning("%s", en)


def _watch(path: Path, server: _Server) -> None:
    """Ask for a reload when the file has changed and has been left alone for a moment."""
    before = _stamp(path)
    pause = threading.Event()
    while not server.interrupt_signal:
        pause.wait(_LOOK_SECONDS)
        now = _stamp(path)
        if now != server.torg_seen and now == before:
            server.signal_handler_reload()  # type: ignore[no-untyped-call]
        before = now


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return status.st_ino, status.st_mtime_ns, status.st_size


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

"""The starter region, published once per session and served in process; small sites for what changes them."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.publish import Publication, publish
from server.settings import Settings, read_settings
from server.site import read_site
from server.starter_site import init

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Let a web server of a test's own answer in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data beside the checkout; tests that need it are skipped where it is not."""
    folder = Path(os.environ.get("TORG_SHARED", Path(__file__).parent.parent.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("opt-in: no folder of real data beside the checkout (set TORG_SHARED)")
    return folder


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the starter region, published. Read-only: tests that change a site make their own."""
    folder = init(tmp_path_factory.mktemp("starter") / "site")
    done = publish(read_site(folder), Settings(), now=NOW)
    assert done.generation == 1
    assert done.blocked == []
    return folder


@pytest.fixture(scope="session")
def app(starter: Path) -> Iterator[Flask]:
    """The application serving the starter region."""
    app = create_app(starter, read_settings(environment={}))
    app.testing = True
    yield app
    app.extensions["torg"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the starter region."""
    return app.test_client()


SITE = """
[site]
base = "https://data.asen.example/"
title.sv = "Åsens öppna data"

[publishers.asen]
name.sv = "Åsens kommun"
orgnr = "212000-9903"
kommunkod = "9901"
contact = "data@asen.example"
"""
DATASET = """
title.sv = "Skolor i Åsen"
description.sv = "Alla skolor i Åsens kommun."
conformsTo = "skolor"
license = "http://creativecommons.org/publicdomain/zero/1.0/"
source = "skolor.csv"
"""
HEADER = "source,id,name,latitude,longitude,school_form,street"
ROWS = [f'9901,1000000{n},"Skola {n}",59.{n}1,15.{n}2,Grundskola,Skolgatan {n}' for n in range(1, 9)]


class SmallSite:
    """A site of one publisher with one list of schools; its source can be changed and published again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dataset = folder / "datasets" / "asen" / "skolor"
        self.source = self.dataset / "skolor.csv"
        self.dataset.mkdir(parents=True)
        (folder / "site.toml").write_text(SITE, "utf-8")
        (self.dataset / "dataset.toml").write_text(DATASET, "utf-8")
        self.write(ROWS)

    def write(self, rows: list[str], header: str = HEADER) -> None:
        """Write the source anew."""
        self.source.write_text("\n".join([header, *rows]) + "\n", "utf-8")

    def publish(self, **options: object) -> Publication:
        """Publish the site as it is now."""
        return publish(read_site(self.folder), Settings(), **({"now": NOW} | options))  # type: ignore[arg-type]

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"


@pytest.fixture
def small_site(tmp_path: Path) -> SmallSite:
    """A small site of its own for tests that publish."""
    return SmallSite(tmp_path / "site")


@pytest.fixture
def copy_of_starter(starter: Path, tmp_path: Path) -> Callable[[], Path]:
    """Copy the published starter region, for tests that change it."""
    return lambda: Path(shutil.copytree(starter, tmp_path / "copy"))


@pytest.fixture(scope="session")
def make_site() -> Callable[[Path], SmallSite]:
    """Make a small site in a folder, for fixtures that several tests share."""
    return SmallSite

"""A preview shows the next state with what it changes, and leaves nothing behind."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from server import create_app
from server.preview import previewing
from server.settings import Settings
from server.site import read_site
from tests.conftest import ROWS


def everything(folder: Path) -> dict[str, str]:
    """The hash of every file that is not a lock."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_a_preview_shows_what_would_change_and_publishes_nothing(small_site):
    small_site.publish()
    before = everything(small_site.data)
    new = [*ROWS[1:5], ROWS[5].replace("Skolgatan", "Storgatan"), *ROWS[6:]]
    small_site.write([*new, '9901,20000001,"Nya skolan",59.1,15.1,Grundskola,Nygatan 1'])

    with previewing(read_site(small_site.folder), Settings()) as shown:
        assert 2 == shown.publication.generation
        assert ["School: 1 added, 1 withdrawn, 1 changed (street address 1)."] == shown.told["summary"]["en"]
        app = create_app(small_site.folder, shown.settings)
        client = app.test_client()
        for path in ("/", "/datasets", "/res/dataset/asen/skolor", "/search?q=nya", "/sparql"):
            page = client.get(path, headers={"Accept": "text/html", "Accept-Language": "sv"}).text
            assert "det här är generation 2, som inte är publicerad" in page, path
            assert "Skola: 1 tillkommer, 1 försvinner, 1 ändras (gatuadress 1)." in page
            assert '<meta name="robots" content="noindex">' in page
        listed = client.get("/changes", headers={"Accept": "text/html", "Accept-Language": "en"}).text
        assert "School: 1 added (Nya skolan), 1 withdrawn (Skola 1), 1 changed (street address 1)." in listed
        assert "<mark>Nya</mark> skolan" in client.get("/search?q=nya", headers={"Accept": "text/html"}).text
        app.extensions["torg"].close()

    assert before == everything(small_site.data)
    assert not (small_site.data / "previews").exists()
    real = create_app(small_site.folder, Settings()).test_client()
    assert "preview-bar" not in real.get("/", headers={"Accept": "text/html"}).text


def test_a_preview_leaves_a_store_elsewhere_alone(small_site):
    with socket.create_server(("127.0.0.1", 0)) as store:
        store.settimeout(0)
        elsewhere = Settings({"url": f"http://127.0.0.1:{store.getsockname()[1]}/query"})
        with previewing(read_site(small_site.folder), elsewhere) as shown:
            assert (shown.publication.generation, shown.settings.url) == (1, "")
        with pytest.raises(BlockingIOError):
            store.accept()


@pytest.mark.slow
def test_a_preview_tells_what_is_blocked_and_why(small_site):
    small_site.publish()
    small_site.write(ROWS[:3])  # more than a fifth of the schools vanish
    with previewing(read_site(small_site.folder), Settings()) as shown:
        assert ["asen/skolor"] == shown.told["blocked"]
        client = create_app(small_site.folder, shown.settings).test_client()
        page = client.get("/", headers={"Accept": "text/html", "Accept-Language": "en"}).text
        assert "Blocked, so the last good state stays:" in page and "asen/skolor" in page


@pytest.mark.slow
def test_a_preview_before_the_first_publication(small_site):
    with previewing(read_site(small_site.folder), Settings()) as shown:
        client = create_app(small_site.folder, shown.settings).test_client()
        page = client.get("/changes", headers={"Accept": "text/html", "Accept-Language": "en"}).text
        assert "This would be the first publication." in page
    assert not (small_site.data / "current").exists()


def test_a_preview_of_nothing_new_says_so_and_removes_what_a_killed_one_left(small_site):
    small_site.publish()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = small_site.data / "previews" / str(gone.pid)
    left.mkdir(parents=True)
    (left / "preview.json").write_text("{}")
    left.chmod(0o555)
    with previewing(read_site(small_site.folder), Settings()) as shown:
        assert not left.exists()
        assert (small_site.data / "previews" / str(os.getpid())).stat().st_mode & 0o077 == 0
        client = create_app(small_site.folder, shown.settings).test_client()
        page = client.get("/", headers={"Accept": "text/html", "Accept-Language": "en"}).text
        assert "a publication would change nothing." in page


@pytest.mark.slow
def test_the_command_serves_the_preview_and_ends_cleanly(small_site):
    small_site.publish()
    small_site.write([row.replace("Skolgatan", "Storgatan") for row in ROWS])
    command = [sys.executable, "-c", "from server.cli import main; main()", "serve", "--preview", "--port", "18877"]
    process = subprocess.Popen(
        [*command, "--site", str(small_site.folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TORG_LANG": "en"},
    )
    page = ""
    try:
        for _ in range(150):
            with suppress(OSError):
                page = urllib.request.urlopen("http://127.0.0.1:18877/?lang=en").read().decode()
                break
            time.sleep(0.2)
        assert "this is generation 2, which is not published." in page
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert 0 == process.returncode
    assert "School: 8 changed (street address 8)." in said
    assert not (small_site.data / "previews").exists()
    assert "000001" == (small_site.data / "current").read_text().strip()

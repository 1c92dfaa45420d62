"""What a data folder's version allows: migrated upwards by the writer, refused downwards by everybody."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from server import create_app
from server.checksums import FILE, Fault, faults, parse, read_checksums
from server.cli import main
from server.data_version import VERSION
from server.errors import StorageError
from server.generations import DataFolder
from server.settings import read_settings


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, make_site) -> Path:
    site = make_site(tmp_path_factory.mktemp("made") / "site")
    site.publish()
    return site.folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """The data folder of a small site that was published once."""
    return Path(shutil.copytree(made, tmp_path / "site")) / "data"


def test_a_publication_leaves_a_version_and_checksums_that_coreutils_take(data: Path) -> None:
    assert (data / "VERSION").read_text() == f"{VERSION}\n"
    folder = data / "generations" / "000001"
    done = subprocess.run(["sha256sum", "--check", "--quiet", FILE], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert {"manifest.json", "labels.sqlite", "dumps/asen/skolor.nt.gz"} < set(read_checksums(folder))


def test_faults_name_what_is_changed_and_what_is_missing(data: Path) -> None:
    folder = data / "generations" / "000001"
    assert list(faults(folder)) == []
    folder.chmod(0o755)
    (folder / "labels.sqlite").chmod(0o644)
    with open(folder / "labels.sqlite", "r+b") as file:
        file.seek(200)
        file.write(b"\xff\x00\xff")
    (folder / "manifest.json").unlink()
    assert set(faults(folder)) == {Fault("labels.sqlite", "changed"), Fault("manifest.json", "missing")}


@pytest.mark.parametrize("line", ["abc  x", "0" * 64 + "  ../x", "0" * 64 + "  /etc/passwd", "0" * 64 + " x"])
def test_a_list_of_checksums_that_leaves_its_folder_is_refused(line: str) -> None:
    with pytest.raises(StorageError, match="damaged"):
        parse(line + "\n", "000001")


def test_an_older_folder_is_served_as_it_is_and_migrated_by_the_next_writer(data: Path) -> None:
    folder = data / "generations" / "000001"
    folder.chmod(0o755)
    (folder / FILE).unlink()
    folder.chmod(0o555)
    (data / "VERSION").unlink()
    app = create_app(data.parent, read_settings(environment={}))
    assert app.test_client().get("/-/ready").status_code == 200
    assert not (data / "VERSION").exists()
    with DataFolder(data).writing("publish"):  # whatever it is that is written
        pass
    assert list(faults(folder)) == []
    assert folder.stat().st_mode & 0o222 == 0
    assert (data / "VERSION").read_text() == f"{VERSION}\n"


@pytest.mark.parametrize(
    ("command", "language", "said"),
    [
        (("publish",), "sv", "en nyare torg har skrivit den"),
        (("log",), "en", "a newer torg wrote it"),
        (("restore", "1"), "en", "a newer torg wrote it"),
        (("serve", "--port", "18471"), "sv", "Inget är ändrat"),
    ],
    ids=["publish", "log", "restore", "serve"],
)
def test_a_folder_of_a_newer_torg_is_refused_and_left_alone(data: Path, command, language, said) -> None:
    (data / "VERSION").write_text("7\n")
    before = _state(data)
    done = CliRunner().invoke(main, ["--lang", language, *command, "--site", str(data.parent)])
    assert done.exit_code == 2, done.output
    assert said in done.output and "Traceback" not in done.output
    assert _state(data) == before


def test_a_version_that_is_no_number_is_told(data: Path) -> None:
    (data / "VERSION").write_text("one\n")
    done = CliRunner().invoke(main, ["--lang", "en", "publish", "--site", str(data.parent)])
    assert done.exit_code == 2 and "should hold a number" in done.output


def _state(data: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.stat() for path in data.rglob("*") if path.is_file() and path.name != "lock"}
    return {str(path.relative_to(data)): (status.st_size, status.st_mtime_ns) for path, status in found.items()}

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
from server.generations import remove_tree
from server.settings import read_settings


def test_a_publication_leaves_a_version_and_checksums_that_coreutils_take(small_site) -> None:
    small_site.publish()
    assert (small_site.data / "VERSION").read_text() == f"{VERSION}\n"
    folder = small_site.data / "generations" / "000001"
    done = subprocess.run(["sha256sum", "--check", "--quiet", FILE], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert {"manifest.json", "labels.sqlite", "dumps/asen/skolor.nt.gz"} < set(read_checksums(folder))


def test_faults_name_what_is_changed_and_what_is_missing(small_site) -> None:
    small_site.publish()
    folder = small_site.data / "generations" / "000001"
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


def test_an_older_folder_is_served_as_it_is_and_migrated_by_the_next_writer(small_site) -> None:
    small_site.publish()
    folder = small_site.data / "generations" / "000001"
    folder.chmod(0o755)
    (folder / FILE).unlink()
    folder.chmod(0o555)
    (small_site.data / "VERSION").unlink()
    app = create_app(small_site.folder, read_settings(environment={}))
    assert app.test_client().get("/-/ready").status_code == 200
    assert not (small_site.data / "VERSION").exists()
    small_site.publish()  # nothing has changed, and yet the folder is brought up to date
    assert list(faults(folder)) == []
    assert (small_site.data / "VERSION").read_text() == f"{VERSION}\n"


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
def test_a_folder_of_a_newer_torg_is_refused_and_left_alone(starter: Path, tmp_path, command, language, said) -> None:
    site = shutil.copytree(starter, tmp_path / "site")
    (site / "data" / "VERSION").write_text("7\n")
    before = _state(site / "data")
    done = CliRunner().invoke(main, ["--lang", language, *command, "--site", str(site)])
    assert done.exit_code == 2, done.output
    assert said in done.output and "Traceback" not in done.output
    assert _state(site / "data") == before
    remove_tree(site)


def test_a_version_that_is_no_number_is_told(small_site) -> None:
    small_site.publish()
    (small_site.data / "VERSION").write_text("one\n")
    done = CliRunner().invoke(main, ["--lang", "en", "publish", "--site", str(small_site.folder)])
    assert done.exit_code == 2 and "should hold a number" in done.output


def _state(data: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.stat() for path in data.rglob("*") if path.is_file() and path.name != "lock"}
    return {str(path.relative_to(data)): (status.st_size, status.st_mtime_ns) for path, status in found.items()}

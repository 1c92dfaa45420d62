"""A publisher's site that lives elsewhere: pulled from an archive or from git, and nothing worse than plain files."""

from __future__ import annotations

import io
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loaders.errors import DescriptionError
from loaders.findings import Finding
from server.errors import OperationError
from server.publish import publish
from server.publisher_sites import is_git, pull_sites
from server.settings import Settings
from server.site import read_site
from server.site_archives import ArchiveError, ArchiveLimits, unpack_site
from tests.conftest import serving

SITE = """[site]
base = "https://prov.example/"
license = "http://creativecommons.org/publicdomain/zero/1.0/"
[publishers.granby]
name.sv = "Granby kommun"
orgnr = "212000-9911"
kommunkod = "1880"
contact = "data@granby.example"
site = "{address}"
{more}
"""
TOML = 'title.sv = "Skolor"\ndescription.sv = "Alla skolor."\nconformsTo = "skolor"\nsource = "skolor.csv"\n'
CSV = "skolenhetskod;namn;latitud;longitud\n{code};Björkskolan;59,2;15,1\n"
FILES = {"datasets/granby/skolor/dataset.toml": TOML, "datasets/granby/skolor/skolor.csv": CSV.format(code="12345678")}
SETTINGS = Settings({"fetch_private": True, "fetch_seconds": 20.0})


def zipped(files: dict[str, str], top: str = "") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(top + name, text)
    return made.getvalue()


def tarred(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.fixture
def web() -> Iterator[Any]:
    """A server whose one answer is `server.body`, with an ETag; None is a 404."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            server.asked.append(dict(self.headers))
            tag = f'"{hash(server.body)}"'
            known = self.headers.get("If-None-Match") == tag
            body = b"" if known or server.body is None else server.body
            self.send_response(404 if server.body is None else 304 if known else 200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body, server.asked = zipped(FILES), []
    server.address = f"http://127.0.0.1:{server.server_port}/plats.zip"
    with serving(server):
        yield server


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def made(address: str, more: str = "") -> Path:
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        (folder / "site.toml").write_text(SITE.format(address=address, more=more), "utf-8")
        return folder

    return made


def keys(folder: Path) -> list[str]:
    return [dataset.key for dataset in read_site(folder).datasets]


def pulled(folder: Path, settings: Settings = SETTINGS) -> list[Finding]:
    return pull_sites(read_site(folder), settings)


def test_a_publishers_site_is_pulled_and_published(make, web) -> None:
    folder = make(web.address)
    assert keys(folder) == []
    done = publish(read_site(folder), SETTINGS)
    assert done.generation == 1 and not done.blocked, [finding.text("sv") for finding in done.report.findings()]
    assert any("granby/skolor" in iri for iri in done.changed)
    assert keys(folder) == ["granby/skolor"]
    web.body = None
    again = publish(read_site(folder), SETTINGS)
    assert again.generation is None and not again.blocked
    (told,) = again.report.remarks
    assert told.rule == "site.publisher-not-pulled" and "404" in told.text("sv")


@pytest.mark.parametrize("form", [zipped, tarred, lambda files: zipped(files, "data-main/")], ids=["zip", "tar", "top"])
def test_archives_of_every_form(make, web, form: Any) -> None:
    web.body = form(FILES | {"README.md": "# Data", ".github/workflows/x.yml": "run: rm"})
    folder = make(web.address)
    assert pulled(folder) == []
    assert keys(folder) == ["granby/skolor"]
    assert not list((folder / "data" / "publishers").rglob(".github"))


def test_what_is_unchanged_is_asked_for_and_not_unpacked(make, web) -> None:
    folder = make(web.address)
    pulled(folder)
    (copy,) = (folder / "data" / "publishers" / "granby").glob("copy-*")
    marker = copy.stat().st_ino
    assert pulled(folder) == [] and web.asked[-1]["If-None-Match"]
    assert copy.stat().st_ino == marker
    web.body = zipped(FILES | {"datasets/granby/fler/dataset.toml": TOML})
    assert pulled(folder) == [] and keys(folder) == ["granby/fler", "granby/skolor"]
    assert len(list((folder / "data" / "publishers" / "granby").glob("copy-*"))) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="gone"),
        pytest.param(b"<!doctype html><title>Logga in</title>", id="login-page"),
        pytest.param(b"PK\x03\x04 broken", id="broken"),
        pytest.param(zipped(FILES)[:-40], id="cut-short"),
        pytest.param(zipped({"annat/x.csv": "1"}), id="no-site"),
        pytest.param(zipped(FILES | {"../ut.txt": "x"}), id="leads-out"),
        pytest.param(zipped(FILES | {"/etc/x": "x"}), id="absolute"),
        pytest.param(zipped(FILES | {"datasets/granby/skolor/skolor.csv/x": "1"}), id="file-as-folder"),
    ],
)
def test_the_last_good_copy_stays(make, web, body: bytes | None) -> None:
    folder = make(web.address)
    web.body = body
    (told,) = pulled(folder)
    assert told.rule == "site.publisher-never-pulled" and keys(folder) == []
    web.body = zipped(FILES)
    assert pulled(folder) == []
    web.body = body
    (told,) = pulled(folder)
    assert told.rule == "site.publisher-not-pulled" and keys(folder) == ["granby/skolor"]
    assert all("{" not in told.text(tongue) + told.advice(tongue) for tongue in ("sv", "en"))
    assert not list((folder / "data" / "publishers" / "granby").glob("next-*"))


def test_a_tar_that_ends_with_a_workbook_is_a_tar(tmp_path: Path) -> None:
    book = zipped({"xl/workbook.xml": "<x/>"})
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("datasets/granby/skolor/skolor.xlsx")
        info.size = len(book)
        archive.addfile(info, io.BytesIO(book))
    assert unpack_site(tmp_path / "a.tar", tmp_path / "out", ArchiveLimits()) == 1
    assert (tmp_path / "out/datasets/granby/skolor/skolor.xlsx").read_bytes() == book


def test_links_and_devices_in_archives_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("datasets/granby/skolor/skolor.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        hard = tarfile.TarInfo("datasets/x")
        hard.type, hard.linkname = tarfile.LNKTYPE, "/etc/passwd"
        archive.addfile(hard)
    for name in ("a.zip", "a.tar"):
        with pytest.raises(ArchiveError):
            unpack_site(tmp_path / name, tmp_path / f"{name}-out", ArchiveLimits())


def test_archives_have_limits(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({f"{n}.txt": "x" * 1000 for n in range(20)}))
    for number, limits in enumerate((ArchiveLimits(bytes=5000), ArchiveLimits(files=5))):
        with pytest.raises(ArchiveError):
            unpack_site(tmp_path / "a.zip", tmp_path / f"out-{number}", limits)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@x.se", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    git(folder.parent, "init", "-q", str(folder))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Skolor")
    git(folder, "tag", "v1")
    return folder


def test_a_git_repository_is_pulled_and_followed(make, repository: Path) -> None:
    folder = make(repository.as_uri())
    assert pulled(folder) == [] and keys(folder) == ["granby/skolor"]
    (repository / "datasets/granby/skolor/skolor.csv").write_text(CSV.format(code="87654321"))
    git(repository, "commit", "-q", "-am", "Ny skola")
    assert pulled(folder) == []
    (source,) = (folder / "data" / "publishers").rglob("skolor.csv")
    assert "87654321" in source.read_text("utf-8") and not list(source.parents[3].rglob(".git"))
    make(repository.as_uri(), 'branch = "v1"')
    assert pulled(folder) == []
    assert "12345678" in next((folder / "data" / "publishers").rglob("skolor.csv")).read_text("utf-8")
    make(repository.as_uri(), 'branch = "saknas"')
    (told,) = pulled(folder)
    assert told.rule == "site.publisher-not-pulled" and "saknas" in told.text("sv")


def test_a_repository_with_links_is_refused(make, repository: Path) -> None:
    (repository / "datasets/granby/skolor/hemlig.csv").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Länk")
    (told,) = pulled(make(repository.as_uri()))
    assert told.rule == "site.publisher-never-pulled" and "länk" in told.text("sv")


@pytest.mark.parametrize(
    ("address", "private"),
    [
        pytest.param("file:///srv/repository", False, id="file"),
        pytest.param("git+https://localhost:1/a.git", False, id="private"),
        pytest.param("git+https://x:y@example.org/a.git", True, id="password"),
        pytest.param("https://127.0.0.1:1/a.git", True, id="nobody-there"),
        pytest.param("http://127.0.0.1:1/a.git", True, id="no-tls"),
    ],
)
def test_git_addresses_that_are_not_fetched(make, address: str, private: bool) -> None:
    (told,) = pulled(make(address), Settings({"fetch_private": private, "fetch_seconds": 20.0}))
    assert told.rule == "site.publisher-never-pulled"
    assert "y@" not in told.text("sv")


def test_without_git_the_operator_is_told(make, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(OperationError, match="git is not installed"):
        pulled(make(repository.as_uri()))


def test_a_slow_repository_is_given_up(make, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 30 &\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    (told,) = pulled(make(repository.as_uri()), Settings({"fetch_private": True, "fetch_seconds": 0.3}))
    assert "0.3 s" in told.text("en")


def test_the_same_dataset_here_and_there_is_told(make, web) -> None:
    folder = make(web.address)
    own = folder / "datasets" / "granby" / "skolor"
    own.mkdir(parents=True)
    (own / "dataset.toml").write_text(TOML)
    (own / "skolor.csv").write_text(CSV.format(code="11111111"))
    assert pulled(folder) == []
    assert read_site(folder).faults["granby/skolor"].finding.rule == "site.publisher-both"


def test_an_address_that_is_none_is_told(make) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_site(make("ftp://granby.example/plats.zip"))
    assert caught.value.finding.rule == "site.publisher-site"
    assert [is_git(each) for each in ("https://a.se/x.git", "git+https://a.se/x", "https://a.se/x.tar.gz")] == [
        True,
        True,
        False,
    ]

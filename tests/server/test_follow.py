"""A replica serves the same bytes as its source, switches when a copy is whole, and survives what happens to it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from server import create_app
from server.checksums import faults
from server.cli import main
from server.errors import OperationError, StorageError
from server.follow import Follower
from server.follow_sources import FolderSource, WebSource
from server.generations import DataFolder, remove_tree
from server.ledger import Ledger
from server.publish import publish
from server.purge import purge
from server.replica import Offer
from server.settings import Settings, read_settings
from server.site import read_site
from server.tokens import TokenFile

HEADER = "source,id,name,latitude,longitude,school_form,street"
PATHS = ("/", "/datasets", "/res/school/10000003.ttl", "/dumps/asen/skolor.nt.gz", "/changes", "/res/school/10000009")


class Original:
    """A copy of the original, to be followed and done harm to."""

    def __init__(self, folder: Path, made: dict[str, Path]) -> None:
        self.folder, self.made, self.data = folder, made, folder / "data"
        shutil.copytree(made["once"], folder)


class Replica:
    """A site of its own with the same site.toml and nothing else, and how its data folder follows."""

    def __init__(self, folder: Path, original: Path) -> None:
        self.folder = folder
        folder.mkdir()
        shutil.copy(original / "site.toml", folder)
        self.data = DataFolder(folder / "data")

    def follow(self, source: object, keep: int = 10) -> bool:
        return Follower(self.data, source, read_site(self.folder).base, keep).once()  # type: ignore[arg-type]

    def answers(self) -> list[tuple[int, bytes]]:
        return answers(self.folder)


def answers(folder: Path) -> list[tuple[int, bytes]]:
    app = create_app(folder, read_settings(environment={}))
    client = app.test_client()
    found = []
    for path in PATHS:
        with client.get(path) as answer:
            found.append((answer.status_code, answer.data))
    app.extensions["torg"].close()
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, make_site) -> dict[str, Path]:
    """The original after one publication and after two."""
    folder = tmp_path_factory.mktemp("original")
    site = make_site(folder / "site")
    site.publish()
    shutil.copytree(site.folder, folder / "once", symlinks=True)
    rows = [f'9901,1000000{n},"Skolan {n}",59.{n}1,15.{n}2,Grundskola,Skolgatan {n}' for n in range(1, 8)]
    site.write(rows, HEADER)
    site.publish(confirm=True)
    return {"once": folder / "once", "twice": site.folder}


@pytest.fixture
def small_site(made: dict[str, Path], tmp_path: Path) -> Original:
    return Original(tmp_path / "site", made)


@pytest.fixture
def replica(small_site: Original, tmp_path: Path) -> Replica:
    return Replica(tmp_path / "replica", small_site.folder)


@pytest.fixture
def address(small_site) -> Iterator[str]:
    app = create_app(small_site.folder, read_settings(environment={}))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def change(small_site: Original) -> None:
    """Let the original publish: its data folder becomes what it is after the second publication."""
    remove_tree(small_site.data)
    shutil.copytree(small_site.made["twice"] / "data", small_site.data)


def test_a_replica_of_a_folder_serves_the_same_bytes_and_follows_on(small_site, replica: Replica) -> None:
    source = FolderSource(small_site.folder)
    assert replica.follow(source) is True
    assert replica.answers() == answers(small_site.folder)
    assert replica.follow(source) is False
    change(small_site)
    assert replica.follow(source) is True
    assert replica.data.current_name() == "000002" and replica.data.numbers() == [1, 2]
    assert replica.answers() == answers(small_site.folder)
    assert replica.answers()[2][0] == 200
    assert not (replica.data.path / "incoming").exists()
    assert not (replica.data.path / "archive").exists() and not (replica.data.path / "tokens.json").exists()


def test_files_that_are_known_are_linked_and_not_copied_again(small_site, replica: Replica) -> None:
    replica.follow(FolderSource(small_site.data))
    change(small_site)
    taken: list[str] = []
    source = FolderSource(small_site.data)
    take = source.take
    source.take = lambda path, target, most: (taken.append(path), take(path, target, most))[1]  # type: ignore[method-assign,func-returns-value]
    replica.follow(source)
    ontology = next(replica.data.path.glob("generations/000002/dumps/def/*.nt.gz"), None) or next(
        path for path in replica.data.path.glob("generations/000002/dumps/**/*.nt.gz") if path.stat().st_nlink > 1
    )
    assert ontology.stat().st_nlink > 1
    assert not any(str(ontology.relative_to(replica.data.path)) == path for path in taken)


def test_a_replica_of_an_address_needs_a_token_made_for_it(small_site, replica: Replica, address: str) -> None:
    tokens = TokenFile(small_site.data / "tokens.json")
    with pytest.raises(OperationError, match="TORG_FOLLOW_TOKEN"):
        WebSource(address, "")
    for text in ("torg_00000000_" + "x" * 43, tokens.create("reads")[1]):
        with pytest.raises(OperationError, match=r"does not take the token"):
            replica.follow(WebSource(address, text))
    source = WebSource(address, tokens.create("copies", replica=True)[1])
    assert replica.follow(source) is True
    assert replica.answers() == answers(small_site.folder)


def test_a_site_named_from_the_working_folder_can_be_copied(
    small_site, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small_site.folder.parent)
    token = TokenFile(small_site.data / "tokens.json").create("copies", replica=True)[1]
    client = create_app(Path("site"), read_settings(environment={})).test_client()
    for path in ("/-/replica/files/generations/000001/SHA256SUMS", "/dumps/asen/skolor.nt.gz"):
        with client.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert (answer.status_code, path) == (200, path)


def test_what_is_not_offered_is_not_to_be_had_with_any_token(small_site, address: str, tmp_path: Path) -> None:
    source = WebSource(address, TokenFile(small_site.data / "tokens.json").create("copies", replica=True)[1])
    archived = next((small_site.data / "archive").iterdir()).name
    outside = ("tokens.json", f"archive/{archived}", "../site.toml", "lock", "generations/000001/../../tokens.json",
               "generations/000001/lock", "history/../tokens.json", "current", "operator.key")  # fmt: skip
    for path in outside:
        with pytest.raises(StorageError, match="answers 404"):
            source.take(path, tmp_path / "taken", 1000)


def test_a_copy_that_breaks_off_is_gone_on_with(small_site, replica: Replica, address: str) -> None:
    source = WebSource(address, TokenFile(small_site.data / "tokens.json").create("copies", replica=True)[1])
    take, asked = source.take, []

    def breaking(path: str, target: Path, most: int) -> None:
        if path.endswith("labels.sqlite") and path not in asked:
            asked.append(path)
            whole = (small_site.data / path).read_bytes()
            target.write_bytes(whole[: len(whole) // 2])
            raise StorageError("the source has vanished")
        asked.append(path)
        take(path, target, most)

    source.take = breaking  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="vanished"):
        replica.follow(source)
    assert replica.data.current_name() is None and replica.data.numbers() == []
    before = set(asked)
    asked[:] = ["generations/000001/labels.sqlite"]
    assert replica.follow(source) is True
    # What came before the break is not asked for again; the broken file is asked for once, from its middle on.
    assert asked.count("generations/000001/labels.sqlite") == 2
    assert before & set(asked) == {"generations/000001/labels.sqlite"}
    assert list(faults(replica.data.generations / "000001")) == []


def test_a_source_that_vanishes_leaves_what_is_served(small_site, replica: Replica) -> None:
    replica.follow(FolderSource(small_site.data))
    before = replica.answers()
    source, away = FolderSource(small_site.data), small_site.data.with_name("away")
    change(small_site)
    take = source.take

    def vanishing(path: str, target: Path, most: int) -> None:
        if path.endswith("labels.sqlite"):
            os.rename(small_site.data, away)
        take(path, target, most)

    source.take = vanishing  # type: ignore[method-assign]
    for said in ("any more", "any more"):  # half-way, and when it is looked for again
        with pytest.raises(OperationError, match=said):
            replica.follow(source)
    assert replica.answers() == before
    os.rename(away, small_site.data)
    assert replica.follow(FolderSource(small_site.data)) is True
    assert replica.answers() == answers(small_site.folder)


def test_a_damaged_file_is_told_and_nothing_switches(small_site, replica: Replica) -> None:
    manifest = small_site.data / "generations" / "000001" / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    with pytest.raises(StorageError, match=r"manifest\.json .* checksum"):
        replica.follow(FolderSource(small_site.data))
    assert replica.data.current_name() is None


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_symbolic_link_out_of_the_source_is_refused(small_site, replica: Replica, tmp_path: Path, what: str) -> None:
    secret = tmp_path / "secret"
    generation = small_site.data / "generations" / "000001"
    if what == "file":
        path = generation / "manifest.json"
        generation.chmod(0o755)
        path.rename(secret)
        path.symlink_to(secret)
    else:
        generation.rename(secret)
        generation.symlink_to(secret)
    with pytest.raises(StorageError, match="symbolic link") as raised:
        replica.follow(FolderSource(small_site.data))
    assert "symbolisk länk" in raised.value.sv
    assert replica.data.current_name() is None


@pytest.mark.parametrize(
    "name",
    ["../../etc/cron.d/x", "/etc/passwd", "archive/secret", "tokens.json", "current"],
)
def test_an_offer_that_leads_outside_is_refused(name: str) -> None:
    sums = "0" * 64
    generation = {"name": "000001", "bytes": 1, "sums": sums}
    document = {"version": 1, "base": "https://x.example/", "current": "000001", "generations": [generation]}
    with pytest.raises(StorageError, match="no instance offers"):
        Offer.read(document | {"files": [{"path": name, "bytes": 1, "sha256": sums}]})
    with pytest.raises(StorageError, match="no instance offers"):
        Offer.read(document | {"files": [], "generations": [generation | {"name": "../../x"}]})
    with pytest.raises(StorageError, match="cannot be read"):
        Offer.read({"version": "x"})


@pytest.mark.slow
def test_what_is_forgotten_at_the_source_is_forgotten_in_the_copy(small_site, replica: Replica) -> None:
    change(small_site)
    replica.follow(FolderSource(small_site.data))
    site = read_site(small_site.folder)
    purge(site, Settings(), [site.uris.iri("id/school/10000005")], "a person's address")
    replica.follow(FolderSource(small_site.data))
    assert replica.answers() == answers(small_site.folder)
    held = [path for path in replica.data.path.rglob("*") if path.is_file() and b"Skolgatan 5" in path.read_bytes()]
    assert held == []
    assert Ledger(replica.data.path / "ledger.sqlite").last_description("/id/school/10000005") == []


@pytest.mark.slow
def test_nobody_publishes_into_a_copy_until_it_takes_over(small_site, replica: Replica) -> None:
    replica.follow(FolderSource(small_site.data))
    shutil.copytree(small_site.folder / "datasets", replica.folder / "datasets")
    done = CliRunner().invoke(main, ["--lang", "sv", "publish", "--site", str(replica.folder)])
    assert done.exit_code == 2 and "innehåller kopior av" in done.output
    (replica.data.path / "replica.json").unlink()
    assert publish(read_site(replica.folder), Settings()).report.blocked == []


def test_a_folder_with_publications_of_its_own_does_not_follow(small_site, tmp_path: Path) -> None:
    other = shutil.copytree(small_site.folder, tmp_path / "other")
    with pytest.raises(OperationError, match="publications of its own"):
        Follower(DataFolder(other / "data"), FolderSource(small_site.data), "https://data.asen.example/", 3).once()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/nowhere/at/all", "is not there"),
        ("ftp://x.example/", "no address to follow"),
        ("https://user:secret@x.example/", "no address to follow"),
        ("https://x.example/", "TORG_FOLLOW_TOKEN"),
    ],
)
@pytest.mark.parametrize("command", [("follow", "{}"), ("serve", "--port", "18473", "--follow", "{}")])
def test_a_source_that_cannot_be_is_told_before_anything_starts(
    small_site, source: str, said: str, command: tuple[str, ...]
) -> None:
    arguments = [part.format(source) for part in command]
    done = CliRunner().invoke(main, ["--lang", "en", *arguments, "--site", str(small_site.folder)])
    assert done.exit_code == 2 and said in done.output, done.output


def test_another_base_is_told(small_site, replica: Replica) -> None:
    with pytest.raises(OperationError, match="Use the same"):
        Follower(replica.data, FolderSource(small_site.data), "https://other.example/", 3).once()


def test_only_so_many_generations_are_kept(small_site, replica: Replica) -> None:
    change(small_site)
    replica.follow(FolderSource(small_site.data), keep=1)
    assert replica.data.numbers() == [2]

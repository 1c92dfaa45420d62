"""A backup restored on an empty machine serves the same bytes, and a broken one is refused before anything is made."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from server import create_app
from server.backup import backup, check_backup, restore_backup
from server.cli import main
from server.errors import OperationError
from server.generations import remove_tree
from server.ledger import Ledger
from server.publish import publish
from server.settings import Settings, read_settings
from server.site import read_site

PATHS = (
    "/", "/datasets", "/datasets?lang=en", "/datasets/dcat", "/changes", "/quality", "/sitemap.xml",
    "/id/organization/2120009903", "/res/organization/2120009903.ttl", "/res/organization/2120009903.jsonld",
    "/resource?uri=http://schema.org/name", "/dumps/SHA256SUMS", "/dumps/all.nq.gz", "/datasets?at=1",
    "/.well-known/void", "/openapi.json", "/api", "/rdf-graph-store?default",
)  # fmt: skip


def digests(site: Path) -> dict[str, tuple[int, str]]:
    app = create_app(site, read_settings(environment={}))
    found = {}
    for path in PATHS:
        with app.test_client().get(path) as answer:
            found[path] = answer.status_code, hashlib.sha256(answer.data).hexdigest()
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()
    return found


def test_a_restored_backup_serves_the_same_bytes_and_publishes_on(copy_of_starter, tmp_path: Path) -> None:
    original = copy_of_starter()
    before = digests(original)
    assert sum(status == 200 for status, _ in before.values()) > 10
    run = CliRunner().invoke
    done = run(main, ["--lang", "en", "backup", "create", str(tmp_path / "kept"), "--site", str(original)])
    assert done.exit_code == 0 and "holds generation 1" in done.output
    remove_tree(original)  # the machine is lost
    assert run(main, ["backup", "check", str(tmp_path / "kept")]).exit_code == 0
    new = tmp_path / "new"
    done = run(main, ["--lang", "sv", "backup", "restore", str(tmp_path / "kept"), str(new)])
    assert done.exit_code == 0 and "återställd till generation 1" in done.output
    assert digests(new) == before
    generation = new / "data" / "generations" / "000001"
    assert generation.stat().st_mode & 0o222 == 0 and (generation / "lock").exists()
    again = publish(read_site(new), Settings())
    assert again.generation is None and again.report.blocked == []  # nothing has changed, and nothing is lost


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, make_site) -> Path:
    site = make_site(tmp_path_factory.mktemp("published") / "site")
    site.publish()
    return site.folder


@pytest.fixture
def site(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "site"))


def keep(site: Path, folder: Path) -> int:
    return backup(read_site(site), Settings(), folder).copied


def test_a_second_backup_copies_what_is_new_and_forgets_what_is_gone(site: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert keep(site, kept) > 20
    looked_at = site / "data" / "previews" / "1" / "generations"
    looked_at.mkdir(parents=True)
    (looked_at / "of a preview").touch()
    assert keep(site, kept) == 1  # the ledger, which is a database
    archived = next((site / "data" / "archive").iterdir())
    archived.unlink()
    (site / "concepts.txt").write_text("new", "utf-8")
    assert keep(site, kept) == 2
    assert (kept / "site" / "concepts.txt").exists()
    assert not (kept / "data" / "archive" / archived.name).exists()
    assert not any((kept / "data" / name).exists() for name in ("lock", "operator.key", "previews"))
    check_backup(kept)


def test_a_site_that_has_lost_its_data_does_not_take_the_place_of_its_backup(site: Path, tmp_path: Path) -> None:
    kept, run = tmp_path / "kept", CliRunner().invoke
    backup(read_site(site), Settings(), kept)
    remove_tree(site / "data")
    done = run(main, ["--lang", "sv", "backup", "create", str(kept), "--site", str(site)])
    assert done.exit_code == 2 and "innehåller generation 1, och den här platsen har ingen" in done.stderr
    assert check_backup(kept).generation == 1
    assert backup(read_site(site), Settings(), tmp_path / "other").generation == 0


def test_the_ledger_is_copied_while_it_is_open(site: Path, tmp_path: Path) -> None:
    ledger = Ledger(site / "data" / "ledger.sqlite")
    with ledger.recording(1, "2026-03-01T04:00:00Z"):
        keep(site, tmp_path / "kept")
    assert Ledger(tmp_path / "kept" / "data" / "ledger.sqlite").base() == "https://data.asen.example/"


@pytest.mark.parametrize("harm", ["torn", "missing", "unfinished", "newer", "outside"])
def test_a_broken_backup_is_refused_and_nothing_is_made(site: Path, tmp_path: Path, harm: str) -> None:
    kept = tmp_path / "kept"
    keep(site, kept)
    manifest = json.loads((kept / "backup.json").read_text("utf-8"))
    if harm == "torn":
        path = kept / "data" / "generations" / "000001" / "labels.sqlite"
        path.write_bytes(path.read_bytes()[:-7])
    elif harm == "missing":
        (kept / "site" / "site.toml").unlink()
    elif harm == "unfinished":
        (kept / "backup.json").unlink()
    elif harm == "newer":
        (kept / "backup.json").write_text(json.dumps(manifest | {"version": 9}), "utf-8")
    else:
        manifest["files"]["site/../../outside"] = next(iter(manifest["files"].values()))
        (kept / "backup.json").write_text(json.dumps(manifest), "utf-8")
    done = CliRunner().invoke(main, ["--lang", "en", "backup", "restore", str(kept), str(tmp_path / "new")])
    assert done.exit_code == 2 and "Traceback" not in done.output, done.output
    assert not (tmp_path / "new").exists() and not (tmp_path / "new.restoring").exists()


def test_a_damaged_generation_is_not_kept_as_if_it_were_whole(site: Path, tmp_path: Path) -> None:
    path = site / "data" / "generations" / "000001" / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text("utf-8") + " ", "utf-8")
    with pytest.raises(OperationError, match="torg doctor"):
        keep(site, tmp_path / "kept")


def test_nothing_is_overwritten(site: Path, tmp_path: Path) -> None:
    kept, other = tmp_path / "kept", tmp_path / "other"
    keep(site, kept)
    other.mkdir()
    (other / "letter.txt").write_text("mine", "utf-8")
    with pytest.raises(OperationError, match="not empty"):
        restore_backup(kept, other)
    with pytest.raises(OperationError, match="no backup"):
        keep(site, other)
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("inside", ["backup", "data/backup"])
def test_a_backup_does_not_lie_in_what_it_backs_up(site: Path, inside: str) -> None:
    with pytest.raises(OperationError, match="lies in"):
        keep(site, site / inside)


def test_a_symbolic_link_out_of_the_site_is_told(site: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("x", "utf-8")
    (site / "datasets" / "asen" / "skolor" / "more.csv").symlink_to(tmp_path / "secret.csv")
    done = CliRunner().invoke(main, ["--lang", "sv", "backup", "create", str(tmp_path / "kept"), "--site", str(site)])
    assert done.exit_code == 2 and "symbolisk länk" in done.output


def test_a_data_folder_elsewhere_is_restored_to_where_the_site_says(site: Path, tmp_path: Path, monkeypatch) -> None:
    keep(site, tmp_path / "kept")
    monkeypatch.setenv("TORG_DATA", str(tmp_path / "elsewhere"))
    restore_backup(tmp_path / "kept", tmp_path / "new")
    assert (tmp_path / "elsewhere" / "current").read_text().strip() == "000001"
    assert not (tmp_path / "new" / "data").exists()
    with pytest.raises(OperationError, match="not empty"):
        restore_backup(tmp_path / "kept", tmp_path / "newer")

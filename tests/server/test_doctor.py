"""What `torg doctor` says of a well installation and of sick ones."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner

from server import doctor_machine
from server.cli import main
from server.doctor import Check, Patient, examine, locks
from server.errors import StorageError
from server.failed_runs import told_when_failed
from server.generations import DataFolder
from server.settings import Settings

from .remote_servers import Fake


@pytest.fixture
def site(starter: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(starter, tmp_path / "site"))


def checks(site: Path) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for check in examine(site):
        if check.name not in found or check.level != "ok":
            found[check.name] = check
    return found


def test_a_well_installation(starter: Path) -> None:
    done = CliRunner().invoke(main, ["--lang", "en", "doctor", "--site", str(starter), "--format", "json"])
    found = json.loads(done.stdout)
    assert done.exit_code == 0 and found["level"] in ("ok", "warn")
    levels = {check["check"]: check["level"] for check in found["checks"]}
    assert set(levels) >= {"site", "generation", "environment", "version", "integrity", "base", "limits", "disk",
                           "confinement", "clock", "locks", "staleness", "catalogue"}  # fmt: skip
    assert {levels[name] for name in ("site", "version", "integrity", "base", "locks", "confinement")} == {"ok"}
    assert all(check["text"]["sv"] and check["text"]["en"] for check in found["checks"])
    assert next(check for check in found["checks"] if check["check"] == "confinement")["facts"]["network_denied"]


def test_damage_is_found_and_fails(site: Path) -> None:
    store = site / "data" / "generations" / "000001" / "store"
    table = max(store.glob("*.sst"), key=lambda path: path.stat().st_size)
    table.chmod(0o644)
    with open(table, "r+b") as file:
        file.seek(table.stat().st_size // 2)
        file.write(b"torn")
    done = CliRunner().invoke(main, ["--lang", "sv", "doctor", "--site", str(site)])
    assert done.exit_code == 1
    assert f"store/{table.name} (changed)" in done.stdout and "säkerhetskopia" in done.stdout


def test_a_base_that_nothing_is_published_under(site: Path) -> None:
    path = site / "site.toml"
    text = path.read_text("utf-8").replace("https://data.norrsjo.example/", "https://data.other.example/", 1)
    path.write_text(text, "utf-8")
    assert checks(site)["base"].level == "fail"


def test_a_site_that_cannot_be_read_is_said_with_its_line_and_the_rest_is_examined(site: Path) -> None:
    with open(site / "site.toml", "a", encoding="utf-8") as file:
        file.write("\noops =\n")
    found = checks(site)
    assert found["site"].level == "fail" and "line" in found["site"].en
    assert found["integrity"].level == "ok"


def test_a_folder_of_a_newer_torg_fails_and_everything_else_is_told(site: Path) -> None:
    (site / "data" / "VERSION").write_text("9\n")
    found = checks(site)
    assert found["generation"].level == "fail" and "newer torg" in found["generation"].en
    assert found["version"].level == "fail" and "9" in found["version"].en
    assert found["disk"].level == "ok"


def test_a_site_without_publication_or_without_anything(tmp_path: Path, make_site) -> None:
    found = checks(make_site(tmp_path / "fresh").folder)
    assert found["generation"].level == "warn" and "torg publish" in found["generation"].sv
    done = CliRunner().invoke(main, ["--lang", "en", "doctor", "--site", str(tmp_path / "none")])
    assert done.exit_code == 1 and "Traceback" not in done.output


def test_who_writes_and_what_is_left_over(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    patient = Patient(tmp_path, None, Settings(), data, None)
    (data.generations / "next-000002").mkdir(parents=True)
    ((level, _, en, _),) = locks(patient)
    assert level == "warn" and "next-000002" in en
    with open(tmp_path / "lock", "w", encoding="utf-8") as lock:
        lock.write("torg publish (process 7)")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        ((level, sv, en, _),) = locks(patient)
        assert level == "ok"
        assert (sv, en) == ("torg publish (process 7) skriver nu.", "torg publish (process 7) is writing now.")


def test_a_misspelt_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORG_PROT", "80")
    assert any(level == "warn" and "TORG_PROT" in en for level, _, en, _ in doctor_machine.environment())


def test_limits_that_do_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "memory_bytes", lambda: 1 << 30)
    monkeypatch.setattr(doctor_machine.resource, "getrlimit", lambda what: (256, 256))
    said = [en for _, _, en, _ in doctor_machine.limits(Settings({"readers": 4, "query_memory_mb": 1024}))]
    assert "LimitNOFILE" in said[0] and "5 readers may use 5120 MiB" in said[1]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(doctor_machine.shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    assert next(iter(doctor_machine.disk(tmp_path, None)))[0] == "warn"


def test_readers_that_reach_the_network_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    class Open:
        facts: ClassVar[dict[str, object]] = {"network_denied": False, "notices": ["No filter."]}

        def __init__(self, *_: object) -> None: ...

        def kill(self) -> None: ...

    monkeypatch.setattr(doctor_machine, "Reader", Open)
    level, sv, en, _ = next(iter(doctor_machine.confinement(None)))
    assert level == "fail" and "public server" in en and "publik server" in sv


@pytest.mark.parametrize(
    ("ahead", "synchronised", "level"),
    [(timedelta(days=2), True, "fail"), (timedelta(), False, "warn"), (timedelta(), None, "ok")],
)
def test_clocks(monkeypatch: pytest.MonkeyPatch, ahead: timedelta, synchronised: bool | None, level: str) -> None:
    monkeypatch.setattr(doctor_machine, "synchronised", lambda: synchronised)
    assert next(iter(doctor_machine.clock(datetime.now(UTC) + ahead)))[0] == level


def test_the_kernel_is_asked_without_being_set() -> None:
    before = os.times().elapsed
    assert doctor_machine.synchronised() in (True, False, None)
    assert os.times().elapsed - before < 1


def test_runs_that_could_not_go_on_are_told_until_one_can(site: Path) -> None:
    data = site / "data"
    assert checks(site)["publication"].level == "ok"
    for _ in range(2):
        with pytest.raises(StorageError), told_when_failed(data):
            raise StorageError("The disk is full.", "Disken är full.")
    found = checks(site)["publication"]
    assert (found.level, found.facts["failures"], found.facts["fault"]) == ("fail", 2, "StorageError")
    assert found.en.startswith("The last 2 runs of torg publish could not go on")
    assert found.sv.startswith("De 2 senaste körningarna av torg publish kunde inte genomföras")
    with told_when_failed(data):
        pass
    assert checks(site)["publication"].level == "ok"


def test_a_run_that_concepts_stopped_is_told(site: Path) -> None:
    report = json.loads(max((site / "data" / "runs").glob("*.json")).read_text("utf-8"))
    for dataset in report["datasets"]:
        dataset["counts"]["block"] = 0
    report |= {"time": "2030-01-01T00:00:00+00:00", "remarks": [{"severity": "block", "rule": "concepts.no-label"}]}
    (site / "data" / "runs" / "99999999T000000Z.json").write_text(json.dumps(report), "utf-8")
    found = checks(site)["publication"]
    assert found.level == "warn" and "stopped as a whole" in found.en and "i sin helhet" in found.sv


def test_a_remote_store_is_asked_whether_it_works(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "store" not in checks(site)
    monkeypatch.setattr("server.remote_store._PROBE_SECONDS", 0.5)
    monkeypatch.delenv("TORG_CI", raising=False)  # of the tests, and unknown to torg
    monkeypatch.setenv("TORG_STORE_USER", "torg")
    monkeypatch.setenv("TORG_STORE_PASSWORD", "secret")
    with Fake().running() as fake:
        monkeypatch.setenv("TORG_STORE_URL", fake.url)
        monkeypatch.setenv("TORG_STORE_PRODUCT", "generic")
        found = checks(site)
        assert found["environment"].level == "ok"  # the credentials' variables are known
        assert found["store"].level == "ok" and fake.url in found["store"].sv
        assert "secret" not in str(found["store"].members())
        fake.mode = fake.probe = "hangs"
        assert checks(site)["store"].level == "fail"
    found = checks(site)
    assert found["store"].level == "fail" and "Start it" in found["store"].en

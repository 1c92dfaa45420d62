"""The commands as a steward meets them: messages, streams and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.conftest import ROWS, SmallSite


def torg(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env={"TORG_LANG": "en"})


def test_init_makes_a_site_that_publishes(tmp_path):
    assert 0 == torg("init", tmp_path / "mystad").exit_code
    done = torg("publish", "--site", tmp_path / "mystad", "norrsjo/skolor")
    assert (0, True) == (done.exit_code, "Generation 1 is published" in done.stdout)


def test_init_overwrites_nothing(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = torg("init", tmp_path)
    assert (2, True) == (done.exit_code, "is not empty" in done.stderr)


def test_publish_tells_results_on_stdout_and_progress_on_stderr(small_site):
    done = torg("publish", "--site", small_site.folder)
    assert 0 == done.exit_code
    assert "asen/skolor: ready (8 rows in, 8 out)" in done.stdout
    assert "Reading asen/skolor" in done.stderr and "Reading asen/skolor" not in done.stdout


def test_a_blocking_finding_exits_1_and_says_where_and_what_to_do(small_site):
    small_site.publish()
    small_site.source.unlink()
    done = torg("check", "--site", small_site.folder)
    assert 1 == done.exit_code
    assert "skolor.csv" in done.stdout and "[source.missing]" in done.stdout


def test_messages_are_in_swedish_when_asked_for(small_site):
    small_site.source.unlink()
    done = CliRunner().invoke(main, ["--lang", "sv", "check", "--site", str(small_site.folder)])
    assert "stoppad" in done.stdout and "finns inte" in done.stdout


def test_no_site_is_one_sentence(tmp_path):
    done = torg("publish", "--site", tmp_path)
    assert (2, "") == (done.exit_code, done.stdout)
    assert "There is no site.toml here" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(("title.sv", "titel.sv"), "titel", id="unknown key"),
        pytest.param(("https://data.asen.example/", "data.asen"), "base", id="no base"),
        pytest.param(("[publishers.asen]", '[publishers."Åsen"]'), "Åsen", id="publisher key"),
        pytest.param(('"212000-9903"', '"1"'), "orgnr", id="organization number"),
        pytest.param(("[site]", "[site"), "TOML", id="syntax"),
    ],
)
def test_a_fault_in_site_toml_is_named(small_site, change, message):
    path = small_site.folder / "site.toml"
    path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    done = torg("publish", "--site", small_site.folder)
    assert 1 == done.exit_code
    assert message in done.stderr and "site.toml" in done.stderr


def test_a_wrong_setting_names_where_it_was_set(small_site):
    done = CliRunner().invoke(main, ["serve", "--site", str(small_site.folder)], env={"TORG_PORT": "åtta"})
    assert 2 == done.exit_code
    assert "TORG_PORT" in done.stderr and "whole number" in done.stderr


def test_json_output_is_whole(small_site):
    members = json.loads(torg("publish", "--site", small_site.folder, "--format", "json").stdout)
    assert (1, "published") == (members["generation"], members["datasets"][0]["status"])


def test_log_tells_generations_and_stories(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    small_site.publish()
    listed = json.loads(torg("log", "--site", small_site.folder, "--format", "json").stdout)
    assert [(2, "current"), (1, "kept")] == [(entry["generation"], entry["state"]) for entry in listed]

    told = torg("log", "--site", small_site.folder, "https://data.asen.example/id/school/10000001")
    assert "published for the first time" in told.stdout and "withdrawn" in told.stdout
    lines = torg("--lang", "sv", "log", "--site", small_site.folder).stdout.splitlines()
    assert "visas" in lines[0] and "sparad" in lines[1] and "UTC" in lines[1] and "grafer ändrade: +" in lines[0]
    for copied in ("res/school/10000001", "https://data.asen.example/res/school/10000001.ttl", "/id/school/1000000%31"):
        assert told.stdout == torg("log", "--site", small_site.folder, copied).stdout
    assert 1 == torg("log", "--site", small_site.folder, "/id/school/never").exit_code


def test_restore_brings_back(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    small_site.publish()
    assert "Generation 3 is published" in torg("restore", 1, "--site", small_site.folder).stdout
    missing = torg("restore", 9, "--site", small_site.folder)
    assert (2, True) == (missing.exit_code, "Generation 9 is not kept" in missing.stderr)


def test_a_taken_port_is_a_sentence(small_site):
    import socket

    small_site.publish()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = torg("serve", "--site", small_site.folder, "--port", port)
    assert (2, True) == (done.exit_code, f"Port {port} is in use" in done.stderr)


def test_every_command_has_help():
    for name, command in main.commands.items():
        assert command.help, name
        assert 0 == torg(name, "--help").exit_code


def test_nothing_is_written_outside_the_data_folder(small_site: SmallSite):
    before = {path: path.stat().st_mtime_ns for path in Path(small_site.folder).rglob("*") if path.is_file()}
    small_site.publish()
    assert before == {path: mtime for path, mtime in before.items() if path.stat().st_mtime_ns == mtime}
    assert {"data", "datasets", "site.toml"} == {entry.name for entry in small_site.folder.iterdir()}


def test_a_token_is_shown_once_and_can_be_revoked(small_site):
    (small_site.data).mkdir()
    made = torg("token", "create", "Regionens karta", "--site", small_site.folder)
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    assert secret.startswith("torg_") and "revoke" in made.stderr
    listed = json.loads(torg("token", "list", "--site", small_site.folder, "--format", "json").stdout)
    assert ["Regionens karta"] == [entry["name"] for entry in listed]
    assert not [path for path in small_site.data.rglob("*") if path.is_file() and secret in path.read_text("utf-8")]
    assert 0 == torg("token", "revoke", listed[0]["id"], "--site", small_site.folder).exit_code
    assert 2 == torg("token", "revoke", listed[0]["id"], "--site", small_site.folder).exit_code


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("<def/x> a ; .", "site.not-turtle", id="no Turtle"),
        pytest.param(
            '<def/place/1880> <http://www.w3.org/2004/02/skos/core#prefLabel> "Min stad"@sv .',
            "site.redefines-concept",
            id="a shared concept",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "publish"])
def test_faulty_concepts_stop_everything_with_one_sentence(small_site, command, text, rule):
    (small_site.folder / "concepts").mkdir()
    (small_site.folder / "concepts/egna.ttl").write_text(text, "utf-8")
    done = torg(command, "--site", small_site.folder)
    assert (1, True) == (done.exit_code, f"[{rule}]" in done.stderr)
    assert "Traceback" not in done.stderr and not (small_site.data / "current").exists()


def test_a_run_that_concepts_stop_says_so(small_site):
    (small_site.folder / "concepts").mkdir()
    text = "<def/x/1> a <http://www.w3.org/2004/02/skos/core#Concept> ."
    (small_site.folder / "concepts/egna.ttl").write_text(text, "utf-8")
    done = torg("publish", "--site", small_site.folder)
    assert (1, True) == (done.exit_code, "[concepts.no-label]" in done.stdout)
    assert "The run was stopped; nothing is published yet." in done.stdout and "same generation" not in done.stdout
    (small_site.folder / "concepts/egna.ttl").unlink()
    small_site.publish()
    (small_site.folder / "concepts/egna.ttl").write_text(text, "utf-8")
    done = torg("publish", "--site", small_site.folder)
    assert "The run was stopped; what was published is served as before." in done.stdout


def test_what_cannot_be_opened_stops_its_dataset_only(small_site):
    small_site.publish()
    (small_site.folder / "datasets/asen/tom").mkdir()
    small_site.source.unlink()
    small_site.source.mkdir()
    done = torg("publish", "--site", small_site.folder)
    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert "asen/tom: blocked" in done.stdout and "asen/skolor: blocked" in done.stdout


def test_a_data_folder_that_cannot_be_written_is_one_sentence(small_site):
    small_site.data.write_text("a file, not a folder")
    done = torg("publish", "--site", small_site.folder)
    assert (2, True) == (done.exit_code, "cannot be written" in done.stderr)
    assert "Traceback" not in done.stderr


def test_a_port_that_does_not_exist_is_a_sentence(small_site):
    done = torg("serve", "--site", small_site.folder, "--port", 99999)
    assert (2, True) == (done.exit_code, "There is no port 99999" in done.stderr)


def test_the_demos_identifiers_resolve_where_it_runs(tmp_path):
    from server.site import read_site
    from server.starter_site import init, live_at

    folder = init(tmp_path / "demo")
    assert live_at(folder, "http://127.0.0.1:8080/")
    assert "http://127.0.0.1:8080/" == read_site(folder).base
    assert not live_at(folder, "http://127.0.0.1:8080/")
    text = (folder / "site.toml").read_text("utf-8").replace("http://127.0.0.1:8080/", "https://data.mystad.se/")
    (folder / "site.toml").write_text(text, "utf-8")
    assert not live_at(folder, "http://127.0.0.1:9090/")


def test_more_of_the_same_kind_is_a_true_count(small_site):
    small_site.write([*ROWS, *(f"9901,2{n:07d},,59.1,15.2,Grundskola,G" for n in range(250))])
    done = torg("check", "--site", small_site.folder)
    assert "and 247 more of the same kind" in done.stdout


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LANG": "sv_SE.UTF-8"}, "En plats finns nu i"),  # whether or not the machine has that locale installed
        ({"LANG": "C.UTF-8", "LC_MESSAGES": "sv_SE"}, "En plats finns nu i"),
        ({"LANG": "sv_SE.UTF-8", "LC_ALL": "C"}, "A site is now in"),
    ],
)
def test_messages_are_in_the_language_of_the_environment(tmp_path, environment, said):
    unset = dict.fromkeys(("TORG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    done = CliRunner().invoke(main, ["init", str(tmp_path / "mystad")], env={**unset, **environment})
    assert done.stdout.startswith(said)


def test_a_command_may_open_as_many_files_as_the_system_allows(small_site):
    script = (
        "import resource; _, most = resource.getrlimit(resource.RLIMIT_NOFILE); "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, most)); from server.cli import main; "
        "main(['log', '--site', SITE], standalone_mode=False)".replace("SITE", repr(str(small_site.folder)))
    )
    after = "import resource, atexit; atexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])); "
    done = subprocess.run([sys.executable, "-c", after + script], capture_output=True, text=True, check=False)
    assert int(done.stdout.split()[-1]) > 256, done.stderr

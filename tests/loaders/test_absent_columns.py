"""A column that a specification gives a value for when the source lacks it."""

import gzip

from tests.conftest import HEADER, ROWS, SmallSite


def municipality(site: SmallSite) -> set[str]:
    dump = site.data / "generations/000001/dumps/asen/skolor.nt.gz"
    lines = gzip.decompress(dump.read_bytes()).decode().splitlines()
    return {line.split("> ")[2].strip("<") for line in lines if "spec/torg#municipality>" in line}


def test_the_publisher_is_the_source_when_the_file_does_not_say(small_site):
    site = small_site.folder / "site.toml"
    site.write_text(site.read_text("utf-8").replace("9901", "1880"), "utf-8")
    rows = [row.split(",", 1)[1] for row in ROWS]
    small_site.write(rows, HEADER.split(",", 1)[1])
    done = small_site.publish()
    assert [] == done.blocked
    assert {"https://data.asen.example/def/place/1880"} == municipality(small_site)

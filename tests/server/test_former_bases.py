"""After a rebase the old addresses lead on, for ever; other hosts' names mint nothing and lead nowhere."""

from server import create_app
from server.ledger import Ledger
from server.settings import Settings
from tests.conftest import SITE


def test_old_addresses_lead_to_the_new_base(small_site):
    small_site.publish()
    (small_site.folder / "site.toml").write_text(SITE.replace("data.asen.example/", "nya.asen.example/data/"), "utf-8")
    Ledger(small_site.data / "ledger.sqlite").rebase("https://nya.asen.example/data/")
    small_site.publish()
    app = create_app(small_site.folder, Settings())
    client = app.test_client()
    try:
        old = client.get("/id/school/10000001?lang=en", base_url="https://data.asen.example/")
        assert (308, "https://nya.asen.example/data/id/school/10000001?lang=en") == (old.status_code, old.location)
        assert 303 == client.get("/id/school/10000001", base_url="https://nya.asen.example/").status_code
        other = client.get("/id/school/10000001", base_url="https://evil.example/")
        assert 303 == other.status_code and "evil" not in str(other.headers)
    finally:
        app.extensions["torg"].close()

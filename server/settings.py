"""Every setting in one table: name, kind, default and meaning; read once, passed on, never global."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: `[table] name` in site.toml, `TORG_NAME` in the environment."""

    name: str
    kind: type
    default: Any
    table: str
    help_en: str
    help_sv: str
    prefix: str = ""  # of the environment variable, where the name alone would say too little
    least: float = 0

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"TORG_{self.prefix}{self.name.upper()}"


_ANY = 0.01  # the least of what has no meaning at nought


def _limit(name: str, default: Any, en: str, sv: str, kind: type = int, least: float = 1) -> Setting:
    return Setting(name, kind, default, "limits", en, sv, least=least)


def _remote(name: str, default: str, en: str, sv: str) -> Setting:
    return Setting(name, str, default, "store", en, sv, "STORE_")


def _share(name: str, default: float, en: str, sv: str) -> Setting:
    return Setting(name, float, default, "quality", en, sv)


SETTINGS: tuple[Setting, ...] = (
    Setting("host", str, "127.0.0.1", "server", "Address to listen on.", "Adress att lyssna på."),
    Setting("port", int, 8080, "server", "Port to listen on.", "Port att lyssna på."),
    Setting("threads", int, 32, "server", "Blocking threads of the web process.", "Trådar i webbprocessen."),
    Setting(
        "trusted_proxies",
        str,
        "",
        "server",
        "Addresses or networks, comma-separated, whose X-Forwarded-For is believed.",
        "Adresser eller nät, kommaskilda, vars X-Forwarded-For är att lita på.",
    ),
    Setting(
        "cache_mb", int, 64, "server", "Size of the byte cache, megabytes; 0 turns it off.", "Bytecachens storlek i MB."
    ),
    Setting(
        "max_age", int, 60, "server", "Seconds a shared cache may keep an answer.", "Sekunder ett svar får cachas."
    ),
    Setting("access_log", str, "off", "server", "Access log: off, text or json.", "Åtkomstlogg: off, text eller json."),
    Setting(
        "log_queries", bool, False, "server", "Write query texts to the access log.", "Skriv frågetexter i loggen."
    ),
    Setting(
        "publish_every",
        float,
        0.0,
        "server",
        "Minutes between publications of what is due; 0 for none.",
        "Minuter mellan publiceringar av det som är dags; 0 för ingen.",
    ),
    Setting(
        "follow", str, "", "store", "Folder or address to copy generations from.", "Mapp eller adress att kopiera."
    ),
    Setting(
        "follow_seconds", float, 30.0, "store", "Seconds between looks at what is followed.", "Sekunder mellan koll."
    ),
    Setting("data", str, "data", "store", "The data folder, relative to the site.", "Datamappen, räknat från platsen."),
    Setting(
        "keep_generations",
        int,
        10,
        "store",
        "Stores kept for restore and ?at=.",
        "Antal generationer som sparas.",
        least=1,
    ),
    _remote("url", "", "Address of a SPARQL server that answers queries.", "Adress till en SPARQL-server för frågor."),
    _remote("update_url", "", "Where it takes updates, if not at the usual place.", "Var den tar emot ändringar."),
    _remote("graph_store_url", "", "Where it takes graphs, if not at the usual place.", "Var den tar emot grafer."),
    _remote("product", "auto", "auto, oxigraph, virtuoso or generic.", "auto, oxigraph, virtuoso eller generic."),
    Setting("readers", int, 0, "store", "Reader processes; 0 means one per core.", "Läsprocesser; 0 är en per kärna."),
    _limit("query_seconds", 20.0, "Longest time of a SPARQL query.", "Längsta tid för en SPARQL-fråga.", float, _ANY),
    _limit("query_memory_mb", 1024, "Most resident memory of a query.", "Mest arbetsminne för en fråga."),
    _limit("query_rows", 100_000, "Most rows in an answer.", "Flest rader i ett svar."),
    _limit("query_bytes", 50_000_000, "Most bytes in an answer.", "Flest byte i ett svar."),
    _limit("query_length", 262_144, "Longest query text posted, bytes.", "Längsta frågetext, byte."),
    _limit(
        "client_seconds_per_minute", 60.0, "Query time a client may use a minute.", "Frågetid per klient.", float, _ANY
    ),
    _limit("client_burst_seconds", 120.0, "Query time a client may save up.", "Frågetid att spara upp.", float, 0),
    _limit("client_parallel", 5, "Queries a client may run at once.", "Samtidiga frågor per klient."),
    _share("unmatched_warn", 0.05, "Share of rows with an unknown code that warns.", "Andel okända koder, varning."),
    _share("unmatched_block", 0.5, "Share of rows with an unknown code that blocks.", "Andel okända koder, stopp."),
    _share("vanishing", 0.2, "Share of vanishing identifiers that blocks.", "Andel försvunna identiteter som stoppar."),
    _share("changed", 0.5, "Share of changed names or codes that blocks.", "Andel ändrade namn, stopp."),
    _limit("source_mb", 2048, "Largest source file, megabytes.", "Största källfil i MB."),
    _limit("fetch_seconds", 120.0, "Longest time to fetch a source.", "Längsta tid att hämta en källa.", float, _ANY),
    Setting(
        "fetch_private",
        bool,
        False,
        "limits",
        "Allow sources on private addresses.",
        "Tillåt källor på privata adresser.",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one run; `settings.port`, `settings.query_seconds`, … as named in SETTINGS."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in {setting.name for setting in SETTINGS}:
            raise AttributeError(name)
        return self.values.get(name, next(setting.default for setting in SETTINGS if setting.name == name))

    @property
    def address(self) -> str:
        """The address that the server answers at on its own machine, without a slash at the end."""
        host = _HERE.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def data_folder(self, site: Path) -> Path:
        """Return the data folder of the site in this folder."""
        return site / str(self.data)


def read_settings(
    site: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings: flag over environment over site.toml over default.

    Raises SettingsError naming the setting, where it was set and what it takes.
    """
    environment = os.environ if environment is None else environment
    site, flags = site or {}, flags or {}
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        table = site.get(setting.table, {})
        if setting.name in table:
            values[setting.name] = _typed(setting, table[setting.name], f"site.toml [{setting.table}] {setting.name}")
        if setting.variable in environment:
            values[setting.name] = _typed(setting, environment[setting.variable], setting.variable)
        if flags.get(setting.name) is not None:
            values[setting.name] = _typed(setting, flags[setting.name], f"--{setting.name.replace('_', '-')}")
    return Settings(values)


def _typed(setting: Setting, value: Any, where: str) -> Any:
    try:
        typed = _READ[setting.kind](value)
    except (ValueError, TypeError, KeyError, OverflowError):
        en, sv = _TAKES[setting.kind]
        raise SettingsError(f"{where} is {value!r}; it takes {en}.", f"{where} är {value!r}; ange {sv}.") from None
    if setting.kind in (int, float):
        _check_bounds(setting, typed, f"{where} is {value!r}", f"{where} är {value!r}")
    return typed


def _check_bounds(setting: Setting, typed: float, en: str, sv: str) -> None:
    if typed < 0:
        raise SettingsError(f"{en}; it cannot be negative.", f"{sv}; ange minst 0.")
    if typed < setting.least:
        least = f"{setting.least:g}"
        raise SettingsError(f"{en}; give at least {least}.", f"{sv}; ange minst {least.replace('.', ',')}.")


def _text(value: Any) -> str:
    if not isinstance(value, str | os.PathLike):
        raise TypeError(value)
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (not isinstance(value, str) and int(value) != value):
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)


def _yes(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return value if isinstance(value, bool) else words[str(value).lower()]


_HERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # who listens everywhere answers here too

_TAKES = {
    int: ("a whole number", "ett heltal"),
    float: ("a number", "ett tal"),
    bool: ("true or false", "true eller false"),
    str: ("text", "text"),
}
_READ: Mapping[type, Callable[[Any], Any]] = {int: _whole, float: _number, bool: _yes, str: _text}

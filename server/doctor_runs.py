"""The doctor's checks of what goes on around the data: the last publication run, and the remote store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

from server.data_state import DataState
from server.failed_runs import read_failed
from server.generations import DataFolder, Generation
from server.remote_store import RemoteError, remote_store
from server.remote_store_names import read_names
from server.remote_store_queries import complete
from server.settings import Settings

Found = tuple[Literal["ok", "warn", "fail"], str, str, dict[str, Any]]
_SECONDS = 10.0


def last_run(data: DataFolder) -> Iterator[Found]:
    """Tell whether the last runs of `torg publish` came to an end, and whether anything stopped the last one whole."""
    failed = read_failed(data.path)
    if failed is not None:
        when, facts = failed.time[:16].replace("T", " "), {"failures": failed.failures, "fault": failed.fault}
        row = failed.failures > 1
        sv = f"de {failed.failures} senaste körningarna" if row else "den senaste körningen"
        en = f"the last {failed.failures} runs" if row else "the last run"
        yield (
            "fail",
            f"{sv.capitalize()} av torg publish kunde inte genomföras (senast {when} UTC, {failed.fault}); det som är "
            "publicerat visas som förut. Kör torg publish och gör det som sägs.",
            f"{en.capitalize()} of torg publish could not go on (latest {when} UTC, {failed.fault}); what is published "
            "is served as before. Run torg publish, and do what it says.",
            facts | {"time": failed.time},
        )
        return
    state = DataState(data).read()
    blocking = state.findings.get("block", 0)
    if blocking and not state.blocked:  # of concepts or pins, which are no dataset's
        yield (
            "warn", "Den senaste körningen stoppades i sin helhet. Kör torg publish och läs vad som stoppar den.",
            "The last run was stopped as a whole. Run torg publish, and read what stops it.", {"findings": blocking},
        )  # fmt: skip
    elif state.run_time:
        yield "ok", "Den senaste körningen kom till sitt slut.", "The last run came to its end.", {}


def remote(settings: Settings, generation: Generation | None) -> Iterator[Found]:
    """Ask the remote store whether it answers, and whether it holds what is served; nothing without one."""
    store = remote_store(settings)
    if store is None:
        return
    facts: dict[str, Any] = {"url": store.url}
    if not store.works():
        yield (
            "fail",
            f"Databasen på {store.url} svarar inte på en fråga. Frågor får fel; sidor visas som förut. Starta den, "
            "eller rätta [store] i site.toml.",
            f"The store at {store.url} does not answer a query. Queries fail; pages go on. Start it, or mend [store] "
            "in site.toml.",
            facts,
        )
        return
    try:
        until = time.monotonic() + _SECONDS
        facts["product"] = store.addresses(until).product
        held = generation is None or complete(store, read_names(generation.path), until)
    except RemoteError as error:
        yield (
            "fail", f"Databasen på {store.url} svarar, men inte på frågor om grafer: {error.detail}",
            f"The store at {store.url} answers, but no queries of graphs: {error.detail}", facts,
        )  # fmt: skip
        return
    if held:
        yield (
            "ok", f"Databasen på {store.url} ({facts['product']}) svarar.",
            f"The store at {store.url} ({facts['product']}) answers.", facts,
        )  # fmt: skip
    else:
        yield (
            "warn",
            f"Databasen på {store.url} har inte det som visas nu, så den inbyggda svarar. Kör torg publish.",
            f"The store at {store.url} does not hold what is served now, so the embedded one answers. Run torg "
            "publish.",
            facts,
        )

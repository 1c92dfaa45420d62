"""What a supplier was paid, summed for its page: by payer and by month, from the ledger entries that name it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice

from babel.dates import format_skeleton
from babel.numbers import format_currency

from server.charts import BarChart, LineChart, Number, bar_chart, line_chart
from server.instance import Opened, Torg
from server.presentation import Presenter, Shown
from server.rdf_formats import value
from server.texts import locale_of

MOST = 2_000
"""Most entries that a page sums; more are left to the named query, since a page reads a bounded number of triples."""

_CURRENCY = "SEK"


@dataclass(frozen=True, slots=True)
class Payments:
    """The sums as written, with their charts: rows of (payer, entries, amount) and of (month, amount)."""

    entries: int
    total: str
    payers: tuple[tuple[Shown, int, str], ...]
    months: tuple[tuple[str, str], ...]
    payer_chart: BarChart | None
    month_chart: LineChart | None


def payments(torg: Torg, opened: Opened, supplier: str, language: str) -> Payments | None:
    """Return what a supplier was paid; None when no entry names it, or more than a page can sum."""
    space = torg.prefixes["torg"]
    store = opened.generation.store
    entries = list(islice(store.subjects(f"{space}payee", supplier), MOST + 1))
    if not entries or len(entries) > MOST:
        return None
    by_payer: dict[str, Decimal] = defaultdict(Decimal)
    by_month: dict[str, Decimal] = defaultdict(Decimal)
    number: dict[str, int] = defaultdict(int)
    for entry in entries:
        said: dict[str, str] = {}
        for property, term in store.outgoing(entry):
            said.setdefault(property.removeprefix(space), value(term).text)
        amount = _amount(said.get("netAmount", ""))
        if amount is None or "payer" not in said:
            return None  # A sum that leaves a row out would be wrong.
        by_payer[said["payer"]] += amount
        number[said["payer"]] += 1
        by_month[said.get("bookingDate", "")[:7]] += amount

    def write(amount: Number) -> str:
        return str(format_currency(amount, _CURRENCY, locale=locale_of(language))).replace("-", "−")

    presenter = Presenter(language, torg.uris, opened.labels.labels(by_payer, language), torg.prefixes)
    largest = sorted(by_payer.items(), key=lambda item: (-item[1], item[0]))
    months = [(_month(month, language), amount) for month, amount in sorted(by_month.items()) if month]
    return Payments(
        len(entries),
        write(sum(by_payer.values())),
        tuple((presenter.link(payer), number[payer], write(amount)) for payer, amount in largest),
        tuple((month, write(amount)) for month, amount in months),
        bar_chart([(presenter.link(payer).text, amount) for payer, amount in largest], write),
        line_chart(months, write),
    )


def _month(text: str, language: str) -> str:
    try:
        return str(format_skeleton("yMMM", date.fromisoformat(f"{text}-01"), locale=locale_of(language)))
    except ValueError:
        return text


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None

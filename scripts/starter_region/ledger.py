"""The invented supplier ledgers: what was paid, before any municipality's system has written it down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from starter_region.region import (
    ACCOUNTS,
    DEPARTMENTS,
    REGIONAL,
    Dice,
    Municipality,
    Supplier,
    account,
    local_suppliers,
    traders,
)

MONTHS = ("2026-01", "2026-02")
_DAYS = {"2026-01": 31, "2026-02": 28}


@dataclass(frozen=True)
class Posting:
    """One row of a ledger (one kontering), in the words of the model, not of any system."""

    month: str
    voucher: str
    invoice: str
    supplier: Supplier
    konto: str
    konto_text: str
    day: date
    amount: Decimal
    department: str
    agreement: str = ""

    @property
    def values(self) -> dict[str, object]:
        """The values by the names that the deliveries use."""
        return {
            "voucher": self.voucher,
            "invoice": self.invoice,
            "supplier": self.supplier,
            "konto": self.konto,
            "konto_text": self.konto_text,
            "day": self.day,
            "amount": self.amount,
            "department": self.department,
            "agreement": self.agreement,
        }


def postings(municipality: Municipality) -> list[Posting]:
    """Return every row of the municipality's two months, in the order of vouchers."""
    dice = municipality.dice("ledger")
    everyone = (*REGIONAL, *local_suppliers(municipality), *traders(municipality))
    suppliers = [supplier for supplier in everyone if supplier.number != municipality.number]
    # Each sells at least once, so that comparing all twelve municipalities means something.
    queue = dice.some(suppliers, len(suppliers))
    rows: list[Posting] = []
    serial = int(municipality.kommunkod) * 1000
    for month in MONTHS:
        target = len(rows) + dice.number(75, 112)
        while len(rows) < target:
            serial += dice.number(1, 4)
            supplier = queue.pop() if queue else dice.one(suppliers)
            rows += _invoice(dice, municipality, month, str(serial), supplier)
    return rows


def _invoice(dice: Dice, municipality: Municipality, month: str, voucher: str, supplier: Supplier) -> Iterator[Posting]:
    """Yield the rows of one invoice: one to three accounts, now and then two rows on the same account."""
    day = date.fromisoformat(f"{month}-01") + timedelta(days=dice.number(0, _DAYS[month] - 1))
    group = dice.one(supplier.groups)
    text = dice.one(ACCOUNTS[group])
    posting = Posting(
        month=month,
        voucher=voucher,
        invoice=str(dice.number(10_000, 9_999_999)),
        supplier=supplier,
        konto=account(municipality, group, text),
        konto_text=text,
        day=day,
        amount=dice.amount(),
        department=dice.one(DEPARTMENTS),
        agreement=f"{municipality.kommunkod}-{dice.number(2022, 2025)}-{dice.number(10, 99)}"
        if dice.chance(0.3)
        else "",
    )
    if dice.chance(0.06):
        # A credit note takes money back: negative amounts are right.
        posting = replace(posting, amount=-posting.amount)
    yield posting
    others = [other for other in ACCOUNTS[group] if other != text]
    for other in dice.some(others, min(len(others), dice.one((0, 0, 1, 1, 2)))):
        yield _part(dice, municipality, posting, group, other)
    if dice.chance(0.05):
        yield _part(dice, municipality, posting, group, text)


def _part(dice: Dice, municipality: Municipality, posting: Posting, group: str, text: str) -> Posting:
    """Return another row of the same invoice."""
    return replace(
        posting,
        konto=account(municipality, group, text),
        konto_text=text,
        amount=dice.amount() * (-1 if posting.amount < 0 else 1),
        department=dice.one(DEPARTMENTS),
    )

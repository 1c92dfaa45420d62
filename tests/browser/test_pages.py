"""Every kind of page in a browser: accessible, whole at 320 pixels, and doing nothing that it should not."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visit
from tests.browser.pages import ADDRESSES, in_language

pytestmark = pytest.mark.slow

WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 320, "height": 640}
IN_THE_DARK = ("color-contrast", "link-in-text-block")


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_page_is_for_everyone(visit: Visit, name: str, language: str) -> None:
    path, status = ADDRESSES[name]
    faults: list[str] = []
    visit.page.set_viewport_size(WIDE)
    visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert visit.open(in_language(path, language)) == status
    for size, width in (("wide", WIDE), ("narrow", NARROW)):
        visit.page.set_viewport_size(width)
        for scheme, rules in (("light", ()), ("dark", IN_THE_DARK)):
            visit.page.emulate_media(color_scheme=scheme)
            faults += [f"{size} {scheme}: {fault}" for fault in visit.axe(*rules)]
        if beyond := visit.sideways():
            faults.append(f"{size}: {beyond} pixels too wide")
    assert visit.page.locator("h1").count() == 1
    assert visit.page.locator("html").get_attribute("lang") == language
    faults += visit.faults()
    assert not faults, "\n".join(faults)

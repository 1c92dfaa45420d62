"""Pages by keyboard and without scripts: what can be reached, left, read and sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.browser.conftest import Visit
from tests.browser.pages import PAGES, in_language

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html"}
FOCUSED = """() => {
  const focused = document.activeElement;
  const style = getComputedStyle(focused);
  const box = focused.getBoundingClientRect();
  const shown = box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight;
  const ring = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  return {
    name: `${focused.tagName} ${focused.id} ${focused.className} ${(focused.textContent || "").trim().slice(0, 40)}`,
    body: focused === document.body,
    skip: focused.classList.contains("skip"),
    seen: shown,
    ring: ring || Boolean(focused.closest(".cm-editor, .leaflet-container")),
    position: [...document.querySelectorAll("*")].indexOf(focused),
  };
}"""
PRESSES = 40


@pytest.mark.parametrize("name", ["home", "search", "school", "dataset", "concept", "sparql", "quality", "comparison"])
def test_the_keyboard_goes_through_a_page_in_its_order(visit: Visit, name: str) -> None:
    visit.page.set_viewport_size({"width": 1200, "height": 900})
    visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    visit.open(in_language(PAGES[name], "sv"))
    before = -1
    for press in range(PRESSES):
        visit.page.keyboard.press("Tab")
        focus = visit.page.evaluate(FOCUSED)
        if focus["body"]:
            break
        assert focus["skip"] == (press == 0), focus
        assert focus["seen"] and focus["ring"], f"{focus['name']} has the focus, and it does not show"
        assert focus["position"] > before, f"{focus['name']} comes too late"
        before = focus["position"]
    assert press > 10


def test_the_skip_link_leads_to_the_content(visit: Visit) -> None:
    visit.open(in_language(PAGES["school"], "sv"))
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_editor_is_reached_and_left_by_tab(visit: Visit) -> None:
    visit.open(in_language(PAGES["sparql"], "sv"))
    editor = visit.page.locator(".cm-content")
    editor.wait_for(state="visible")
    editor.focus()
    visit.page.keyboard.type("ASK {")
    visit.page.keyboard.press("Escape")
    visit.page.keyboard.press("Tab")
    assert not visit.page.evaluate("document.querySelector('.editor').contains(document.activeElement)")
    visit.page.keyboard.press("Shift+Tab")
    assert visit.page.evaluate("document.querySelector('.editor').contains(document.activeElement)")
    assert not visit.faults()


def test_a_query_is_run_from_the_editor(visit: Visit) -> None:
    visit.open(in_language(PAGES["sparql"], "sv"))
    editor = visit.page.locator(".cm-content")
    editor.wait_for(state="visible")
    editor.focus()
    visit.page.keyboard.press("Control+a")
    visit.page.keyboard.insert_text("SELECT (41 + 1 AS ?svar) WHERE {}")
    visit.page.keyboard.press("Control+Enter")
    visit.page.locator("main table td", has_text="42").wait_for()
    assert "query=SELECT" in visit.page.url and not visit.faults()


def test_suggestions_come_as_one_types_and_lead_to_the_thing(visit: Visit) -> None:
    visit.open(in_language(PAGES["about"], "sv"))
    field = visit.page.locator("#site-q")
    field.focus()
    visit.page.keyboard.type("Sjösk", delay=30)
    visit.page.get_by_role("option").first.wait_for()
    assert "Sjöskolan" in visit.page.get_by_role("option").first.inner_text()
    assert not visit.axe() and not visit.faults()
    visit.page.keyboard.press("Escape")
    assert visit.page.get_by_role("option").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_scripts(visit_without_scripts: Visit, region: Flask, name: str) -> None:
    visit = visit_without_scripts
    visit.page.set_viewport_size({"width": 320, "height": 640})
    assert visit.open(in_language(PAGES[name], "sv")) == 200
    assert visit.sideways() <= 0
    assert visit.page.locator("h1").is_visible()
    assert visit.page.locator("main").inner_text().strip()
    # A button that does nothing without a script must not be there.
    assert visit.page.locator("button[type=button]:visible").count() == 0
    assert not visit.troubles


def test_everything_is_done_without_scripts(new_visit: Callable[..., Visit], origin: str) -> None:
    page = (visit := new_visit(origin, java_script_enabled=False)).page
    visit.open(in_language("/", "en"))
    page.locator("#site-q").fill("Sjöskolan")
    page.locator(".site-search button").click()
    page.get_by_role("link", name="Sjöskolan").first.click()
    assert page.locator("h1").inner_text().strip() == "Sjöskolan"
    assert page.locator("html").get_attribute("lang") == "en", "a chosen language is kept from page to page"
    visit.open(in_language(PAGES["sparql"], "sv"))
    page.locator("textarea#query").fill("SELECT (41 + 1 AS ?svar) WHERE {}")
    page.locator("#query-form button:not([type=button])").click()
    page.locator("main table td", has_text="42").wait_for()
    visit.open(in_language(PAGES["dataset"], "sv"))
    assert page.locator("#place-table").count() == 1 and not visit.troubles

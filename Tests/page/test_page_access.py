"""For everybody: axe in both colour schemes, phones, keyboards, reduced motion."""

from collections.abc import Callable

import answers
import pytest
from conftest import Screen
from playwright.sync_api import expect

Screens = Callable[..., Screen]

STATES = [
    ("station", answers.station),
    ("station", answers.troubled_station),
    ("station", answers.empty_station),
    ("gateway", answers.gateway),
    ("gateway", answers.troubled_gateway),
]
NAMES = [f"{kind} {state.__name__}" for kind, state in STATES]


@pytest.mark.parametrize(("kind", "state"), STATES, ids=NAMES)
def test_axe_finds_nothing(screens: Screens, kind: str, state: Callable[[], answers.Answer]) -> None:
    screen = screens(kind)
    page = screen.open(state)
    screen.is_shown()
    page.locator("details").evaluate_all("(nodes) => nodes.forEach((node) => (node.open = true))")
    assert screen.axe("light") == []
    assert screen.axe("dark") == []


def test_axe_finds_nothing_where_nobody_answers(screens: Screens) -> None:
    screen = screens()
    screen.wants("net::ERR_FAILED")
    screen.wants("401")
    page = screen.open(answers.troubled_station)
    screen.is_shown()
    screen.turns_to(lambda: None)
    expect(page.locator("#notice")).to_contain_text("does not answer")
    assert screen.axe("light") == []
    assert screen.axe("dark") == []
    screen.says(lambda: 401)
    page.reload()
    expect(page.locator("#token")).to_be_visible()
    assert screen.axe("light") == []
    assert screen.axe("dark") == []


@pytest.mark.parametrize(("kind", "state"), STATES, ids=NAMES)
def test_a_phone_needs_no_sideways_scrolling(screens: Screens, kind: str, state: Callable[[], answers.Answer]) -> None:
    screen = screens(kind, width=360)
    page = screen.open(state)
    screen.is_shown()
    page.locator("details").evaluate_all("(nodes) => nodes.forEach((node) => (node.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_keyboard_reaches_and_moves_everything(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(() => { const node = document.activeElement;"
                " return node.id || node.name || node.className || node.tagName; })()"
            )
        )
        if reached[-1] == "BODY":
            break
    assert reached == ["skip", "period", "span", "chart", "SUMMARY", "BODY"]


def test_arrow_keys_move_through_the_chart(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    chart = page.locator("#chart")
    expect(page.locator("#chart rect").first).to_be_visible()
    chart.focus()
    last = page.locator("#readout").inner_text()
    page.keyboard.press("ArrowLeft")
    before = page.locator("#readout").inner_text()
    assert before != last
    assert chart.get_attribute("aria-valuetext") == before
    page.keyboard.press("End")
    assert page.locator("#readout").inner_text() == last
    page.keyboard.press("Home")
    assert chart.get_attribute("aria-valuenow") == "0"


def test_the_period_and_the_table_work_by_keyboard(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    page.locator("input[name=period][value=day]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#lead")).to_contain_text("30 days")
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#hours")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_the_skip_link_leads_to_the_figures(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_focus_stays_while_figures_change(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    page.locator("#chart").focus()
    screen.turns_to(lambda: answers.troubled_station() | {"updated": answers.moment()})
    expect(page.locator("#health")).to_contain_text("Failing")
    assert page.evaluate("document.activeElement.id") == "chart"


def test_a_screen_reader_hears_changes_of_health_once(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    said = page.locator("#said")
    expect(said).to_have_text("svalbard-1: Working, 0\u00a0alerts")
    said.evaluate(
        "(node) => { window.heard = 0; new MutationObserver(() => window.heard++).observe(node, {childList: true}); }"
    )
    screen.turns_to(answers.troubled_station)
    expect(said).to_have_text("svalbard-1: Failing, 2\u00a0alerts")
    with page.expect_event("requestfinished", lambda request: "events.json" in request.url):
        screen.asks_now()
    assert page.evaluate("window.heard") == 1


def test_the_runbook_of_an_alert_is_reached_by_keyboard(screens: Screens) -> None:
    screen = screens()
    page = screen.open(answers.troubled_station)
    screen.is_shown()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Runbook: SpoolIOError"


def test_reduced_motion_stops_what_moves(screens: Screens) -> None:
    screen = screens(reduced_motion="reduce")
    screen.page.route("**/status.json", lambda route: None)
    page = screen.open()
    moving = page.locator(".bones").first
    assert moving.evaluate("(node) => getComputedStyle(node).animationName") == "none"

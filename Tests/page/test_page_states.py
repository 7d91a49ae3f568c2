"""What the pages show: loading, at work, troubled, empty, and where nobody answers."""

import re
from collections.abc import Callable

import answers
import pytest
from conftest import Screen
from playwright.sync_api import Page, expect

Screens = Callable[..., Screen]


def text(page: Page, identifier: str) -> str:
    """The text of an element, with ordinary spaces."""
    return " ".join(page.locator(f"#{identifier}").inner_text().replace("\u00a0", " ").split())


def test_a_page_that_waits_for_its_first_status_says_so(screens: Screens) -> None:
    screen = screens()
    screen.page.route("**/status.json", lambda route: None)
    page = screen.open()
    expect(page.locator("#loading")).to_be_visible()
    expect(page.locator("#content")).to_be_hidden()
    assert text(page, "health") == "Loading"


def test_the_saving_is_shown_with_its_denominator(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    assert text(page, "name") == "svalbard-1"
    assert text(page, "ratio").startswith("266")
    assert "6,000 frames took 5.09 MB on the line" in text(page, "lead")
    rows = [" ".join(row.split()) for row in page.locator("#compare tr").all_inner_texts()]
    assert ["raw over link" in rows[0], "zstd over link" in rows[1], "native over link" in rows[2]] == [True] * 3
    assert rows[3].startswith("On the line, everything")
    assert "raw over packets" in rows[4]


def test_a_line_that_carried_more_than_the_frames_says_so(screens: Screens) -> None:
    screen = screens()
    status = answers.station()
    status["saving"]["day"] |= {"raw_over_link": 0.5}
    page = screen.open(lambda: status)
    screen.is_shown()
    assert text(page, "ratio") == "2.00\u00d7 more"
    assert "saved" not in text(page, "lead")


def test_another_period_has_other_figures(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    before = text(page, "lead")
    page.get_by_label("30 days").first.check(force=True)
    assert "in the last 30 days" in text(page, "lead")
    assert text(page, "lead") != before


def test_figures_follow_the_status(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    assert text(page, "waiting-packets") == "88 packets"
    changed = answers.station() | {"backlog": answers.station()["backlog"] | {"packets": 1, "drain_seconds": 7_500}}
    screen.says(lambda: changed | {"updated": answers.moment()})
    expect(page.locator("#waiting-packets")).to_have_text("1\u00a0packet")
    assert "in 2 h 5 min" in text(page, "backlog")


def test_five_marks_have_five_shapes_and_five_words(screens: Screens) -> None:
    screen = screens()
    page = screen.open(answers.troubled_station)
    screen.is_shown()
    words, shapes = [], []
    for row in page.locator("#sensors tr").all()[:5]:
        words.append(row.locator(".mark").inner_text())
        shapes.append(row.locator(".mark use").get_attribute("href"))
    assert words == ["Live", "Late", "Stale", "Gap", "Dropped by policy"]
    assert len(set(shapes)) == 5
    assert {page.locator(shape).count() for shape in shapes} == {1}
    drawings = {page.locator(shape).inner_html() for shape in shapes}
    assert len(drawings) == 5
    assert page.locator("#sensors tr").nth(5).locator(".mark").inner_text() == "Silent"


def test_troubles_are_named_with_their_remedies(screens: Screens) -> None:
    screen = screens()
    page = screen.open(answers.troubled_station)
    screen.is_shown()
    assert text(page, "health") == "Failing"
    assert "not synchronised" in text(page, "notice")
    assert page.title().startswith("(2) svalbard-1")
    first = " ".join(page.locator("#alerts li").first.inner_text().split())
    assert "SpoolIOError" in first
    assert "What to do: look at the disk" in first
    link = page.get_by_role("link", name="Runbook: SpoolIOError")
    assert link.get_attribute("href") == "runbook/SpoolIOError"
    assert "unknown, no rate measured" in text(page, "backlog")
    assert "full now" in text(page, "backlog")
    assert "does not close" in text(page, "ledger")
    assert "on trial" in text(page, "firmware")
    assert "refused" in text(page, "configuration")
    assert "spool.directory" in text(page, "configuration")


def test_a_station_without_any_frame_says_how_to_send_one(screens: Screens) -> None:
    screen = screens()
    page = screen.open(answers.empty_station)
    screen.is_shown()
    expect(page.locator("#nothing")).to_be_visible()
    assert "tcp://127.0.0.1:5570" in text(page, "nothing")
    expect(page.locator("#saving")).to_be_hidden()
    expect(page.locator("#history")).to_be_hidden()
    assert "never" in text(page, "acknowledged")
    expect(page.locator("#sensors-empty")).to_be_visible()


@pytest.mark.parametrize(
    ("state", "words"), [("draining", "what waits goes out"), ("drained", "nothing waits, no new frames")]
)
def test_a_station_that_drains_says_so(screens: Screens, state: str, words: str) -> None:
    screen = screens()
    page = screen.open(lambda: answers.station() | {"state": state})
    screen.is_shown()
    assert words in text(page, "notice")


@pytest.mark.parametrize("kind", ["station", "gateway"])
def test_where_nobody_answers_the_last_figures_stay_grey_and_come_back(screens: Screens, kind: str) -> None:
    screen = screens(kind)
    page = screen.open()
    screen.is_shown()
    figure = text(page, "process")
    screen.wants("net::ERR_FAILED")
    # one of both by its own timer
    turns_to = screen.says if kind == "station" else screen.turns_to
    turns_to(lambda: None)
    expect(page.locator("#notice")).to_contain_text("does not answer")
    assert re.search(r"What stands here is of \d\d:\d\d:\d\d UTC, (now|\d+ s ago)\.$", text(page, "notice"))
    assert text(page, "health") == "No answer"
    assert text(page, "process").split()[:3] == figure.split()[:3]
    assert page.locator("main").evaluate("(node) => getComputedStyle(node).filter") == "grayscale(1)"
    turns_to(answers.station if kind == "station" else answers.gateway)
    expect(page.locator("#notice")).to_be_hidden()
    assert text(page, "health") == "Working"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (503, "answers status.json with 503"),
        ("<html>", "answers status.json with what is no JSON"),
        ({"v": 3}, "speaks version 3 of status.json, this page version 2: load the page again"),
    ],
)
def test_an_answer_that_is_no_status_is_named(screens: Screens, answer: object, words: str) -> None:
    screen = screens()
    page = screen.open(lambda: answer)
    expect(page.locator("#notice")).to_contain_text(words)
    expect(page.locator("#content")).to_be_hidden()
    if isinstance(answer, int):
        screen.wants("503")


def test_a_status_that_stands_still_is_no_live_status(screens: Screens) -> None:
    screen = screens()
    page = screen.open(lambda: answers.station() | {"updated": "2026-11-21T17:30:12.004Z"})
    # the page's clock follows that of the daemon, so only its own waiting shows that nothing moves
    page.evaluate("Date.now = ((now) => () => now() + 30000)(Date.now)")
    screen.asks_now()
    expect(page.locator("#notice")).to_contain_text("its status stands still")


def test_ages_run_by_the_clock_of_the_daemon(screens: Screens) -> None:
    screen = screens()
    screen.page.add_init_script("Date.now = ((now) => () => now() - 86400000)(Date.now)")
    page = screen.open()
    screen.is_shown()
    assert re.fullmatch(r"(now|\d+ s ago)", text(page, "acknowledged"))


def test_outside_texts_stay_text(screens: Screens) -> None:
    for kind, status in (("station", answers.troubled_station), ("gateway", answers.troubled_gateway)):
        screen = screens(kind)
        page = screen.open(status)
        screen.is_shown()
        assert page.locator("script").count() == 1
        assert page.locator("img").count() == 0
        assert page.title() != "run"
        assert answers.MARKUP in page.locator("#sensors th, #stations th").last.inner_text().replace("\n", "")
        assert answers.MARKUP in page.locator("body").inner_text()


@pytest.mark.parametrize("kind", ["station", "gateway"])
def test_a_refused_token_is_asked_for(screens: Screens, kind: str) -> None:
    screen = screens(kind)
    works = answers.station if kind == "station" else answers.gateway
    screen.wants("401")
    screen.says(lambda: 401)
    page = screen.open()
    expect(page.locator("#token")).to_be_visible()
    screen.says(works)
    page.get_by_role("textbox", name="Token").fill("swordfish")
    page.keyboard.press("Enter")
    screen.is_shown()
    expect(page.locator("#token")).to_be_hidden()
    assert "authorization" not in screen.requests[0].headers
    assert {request.headers["authorization"] for request in screen.requests[1:]} == {"Bearer swordfish"}


def test_a_token_that_changes_meanwhile_hides_the_figures(screens: Screens) -> None:
    screen = screens()
    screen.wants("401")
    page = screen.open()
    screen.is_shown()
    screen.turns_to(lambda: 401)
    page.locator("#token").wait_for()
    expect(page.locator("#content")).to_be_hidden()
    expect(page.locator("#notice")).to_be_hidden()
    # nothing was given yet, so nothing was wrong
    expect(page.locator("#token-problem")).to_be_hidden()
    assert page.title() == "Token needed \u00b7 perigeed"


def test_a_gateway_shows_its_stations(screens: Screens) -> None:
    screen = screens("gateway")
    page = screen.open(answers.troubled_gateway)
    screen.is_shown()
    rows = [" ".join(row.replace("\u00a0", " ").split()) for row in page.locator("#stations tr").all_inner_texts()]
    assert rows[0].startswith("svalbard-1 Connected")
    assert "402 kB 88 packets, oldest 32 s" in rows[0]
    assert "266\u00d7 3,990 frames, 905 MB" in rows[0]
    assert "2.1 s 99 of 100 within 32 s" in rows[0]
    assert rows[1].startswith("atacama-2 StationSilent Away")
    assert "Two of one name" in rows[2]
    assert text(page, "stations-count") == "2 of 3 connected"
    assert text(page, "ratio") == "266\u00d7 less"
    assert text(page, "wanted") == "2"
    assert text(page, "denied") == "7"
    assert "not a key" in text(page, "keys")
    assert "perigee-2.pfw" in text(page, "offers")
    assert "active" in text(page, "progress")


def test_a_gateway_without_stations_is_no_error(screens: Screens) -> None:
    screen = screens("gateway")
    empty = answers.gateway() | {"stations": [], "keys": None, "stored": 0, "packets": 0}
    empty["saving"] |= {"link_bytes": 0, "packet_bytes": 0, "raw_bytes": 0, "frames": 0, "raw_over_link": None}
    del empty["configuration"]
    page = screen.open(lambda: empty)
    screen.is_shown()
    expect(page.locator("#stations-empty")).to_be_visible()
    assert "everybody, no keys" in text(page, "keys")
    expect(page.locator("#configuration-part")).to_be_hidden()

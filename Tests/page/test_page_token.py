"""The pages of real daemons that ask for a token: `[http] token_file`."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from conftest import Screen
from playwright.sync_api import Page, expect
from served import Served

Screens = Callable[..., Screen]
KINDS = pytest.mark.parametrize("kind", ["station", "gateway"])
TOKEN_KEY = "perigee-token"


@pytest.fixture(scope="module")
def locked() -> Iterator[Served]:
    with Served(number=2, has_token=True) as locked:
        yield locked


def kept(page: Page) -> list[str | None]:
    """What the tab keeps, and whatever would outlive it."""
    return page.evaluate(
        f"[sessionStorage.getItem('{TOKEN_KEY}'), JSON.stringify(localStorage) + document.cookie + location.href]"
    )


def give(page: Page, token: str) -> None:
    page.get_by_role("textbox", name="Token").fill(token)
    page.keyboard.press("Enter")


@KINDS
def test_the_page_comes_without_a_token_and_no_figure_does(locked: Served, kind: str) -> None:
    def status(path: str, **headers: str) -> int:
        request = urllib.request.Request(locked.address(kind) + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/") == status("/livez") == 200
    for path in ("/status.json", "/saving.json", "/events.json", "/quicklooks.json", "/quicklook/1", "/metrics", "/x"):
        assert status(path) == 401, path
        assert status(path, Authorization="Bearer " + "x" * len(locked.token)) == 401, path
    assert status("/status.json", Authorization=f"Bearer {locked.token}") == 200
    assert status("/", Host="evil.example") == 403
    assert status("/", Origin="https://evil.example") == 403


@KINDS
def test_a_token_opens_the_page_by_keyboard_and_is_kept_by_the_tab_alone(
    screens: Screens, locked: Served, kind: str
) -> None:
    screen = screens(kind, real=locked)
    screen.wants("401")
    page = screen.open()
    place = page.get_by_role("textbox", name="Token")
    expect(place).to_be_focused()
    expect(page.locator("#health")).to_have_text("Token needed")
    expect(page.locator("#content")).to_be_hidden()
    page.keyboard.type(locked.token)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show the")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#content").wait_for()
    expect(page.locator("#token")).to_be_hidden()
    in_tab, elsewhere = kept(page)
    assert in_tab == locked.token
    assert locked.token not in elsewhere
    page.reload()
    page.locator("#content").wait_for()


@KINDS
def test_a_wrong_token_is_said_and_asked_for_again(screens: Screens, locked: Served, kind: str) -> None:
    screen = screens(kind, real=locked)
    screen.wants("401")
    page = screen.open()
    place = page.get_by_role("textbox", name="Token")
    problem = page.get_by_role("alert").filter(has_text="refused")
    # the second one could not even be sent
    for wrong in ("swordfish", "sword\u2013fish \u2603"):
        give(page, wrong)
        expect(problem).to_be_visible()
        expect(place).to_have_value("")
        expect(place).to_be_focused()
        expect(place).to_have_attribute("aria-invalid", "true")
        assert kept(page)[0] is None
    assert screen.axe("light") == []
    assert screen.axe("dark") == []
    give(page, f"  {locked.token} ")
    page.locator("#content").wait_for()


@KINDS
def test_axe_finds_nothing_where_a_token_is_asked_for(screens: Screens, locked: Served, kind: str) -> None:
    screen = screens(kind, real=locked, width=360)
    screen.wants("401")
    page = screen.open()
    page.locator("#token").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert screen.axe("light") == []
    assert screen.axe("dark") == []


def test_a_token_that_is_being_typed_stays_while_another_tab_is_looked_at(screens: Screens, locked: Served) -> None:
    screen = screens("station", real=locked)
    screen.wants("401")
    page = screen.open()
    place = page.get_by_role("textbox", name="Token")
    place.fill("half of")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    screen.asks_now()
    page.evaluate("fetch('livez')")
    expect(place).to_have_value("half of")
    assert [url for url in asked if url.endswith(".json")] == []


def test_the_token_itself_is_in_no_answer(locked: Served) -> None:
    request = urllib.request.Request(
        locked.address("station") + "/status.json", headers={"Authorization": f"Bearer {locked.token}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read().decode()
    assert json.loads(text)["station"] == "alpha"
    assert locked.token not in text

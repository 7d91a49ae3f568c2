"""The service's page in a headless Chromium, over the real command and products of real packets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("titiler.core", reason="group serve is not installed: make cluster GROUPS=serve")

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from archives import FIRMWARE, ROOT, VISITS, Year, opened
from perigee_cluster.following import Follower, Setup
from perigee_cluster.products import RECONSTRUCTED

TOKEN = "a-token-of-the-tests-alone"
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def setup(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """Decodes of all dates, reconstructions of the last three."""
    folder = tmp_path_factory.mktemp("page")
    made = Setup(year.archive, tuple(FIRMWARE), folder / "history", folder / "products", methods=("deterministic",))
    follower = Follower(made)
    while follower.step() is not None:
        pass
    follower.reprocess(RECONSTRUCTED, sorted(frame.time for frame in opened(year.archive).frames())[-3])
    while follower.step() is not None:
        pass
    return made


class Served:
    """The real command."""

    def __init__(self, setup: Setup, *words: str) -> None:
        folders = ["--history", str(setup.history), "--products", str(setup.products), "--firmware", str(FIRMWARE[0])]
        line = [sys.executable, "-m", "perigee_cluster", "serve", str(setup.archive), *folders, *words]
        line += ["--listen", "127.0.0.1:0", "--json"]
        self._process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT / "Cluster")
        self.address = json.loads(self._process.stdout.readline())["address"]

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def address(setup: Setup) -> Iterator[str]:
    """A service without a token."""
    served = Served(setup)
    yield served.address
    served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("no chromium on PATH: run Scripts/install-dependencies test")
    with sync_playwright() as playwright:
        # a container has no user namespaces for Chromium's own sandbox; the page is ours
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Screen:
    """One open page; whatever its console says fails the test, but for what is wanted."""

    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, address: str, width: int = 1280) -> Screen:
        context = browser.new_context(viewport={"width": width, "height": 900})
        screen = cls(context, context.new_page())
        screen.page.on("console", lambda message: screen.problems.append(message.text))
        screen.page.on("pageerror", lambda error: screen.problems.append(str(error)))
        screen.page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));"
        )
        screen.page.goto(address)
        return screen

    def shown(self) -> Page:
        """Waits for the first picture."""
        expect(self.page.locator("#picture")).to_have_attribute("data-edge", re.compile("[0-9]+"))
        expect(self.page.locator("#origin dd").first).not_to_be_empty()
        return self.page


@pytest.fixture
def screen(browser: Browser, address: str) -> Iterator[Screen]:
    screen = Screen.open(browser, address)
    yield screen
    screen.context.close()
    assert screen.problems == []


def row(page: Page) -> list[list[int]]:
    """Pixels of one row of the picture, at 21 places."""
    return page.evaluate(
        "() => { const c = document.getElementById('picture'), copy = new OffscreenCanvas(c.width, c.height);"
        " const context = copy.getContext('2d', {willReadFrequently: true}); context.drawImage(c, 0, 0);"
        " return Array.from({length: 21}, (_, i) => [...context.getImageData("
        "(i / 20) * (c.width - 1), 0.45 * (c.height - 1), 1, 1).data]); }"
    )


def test_the_page_shows_the_last_date_and_what_it_rests_on(screen: Screen, year: Year) -> None:
    page = screen.shown()
    frame = max(opened(year.archive).frames(), key=lambda frame: frame.time)
    expect(page.locator("#date-text")).to_contain_text(f"{VISITS[-1][0]} 10:00:00 UTC")
    expect(page.locator("#origin")).to_contain_text(f"{frame.octets:,}")
    expect(page.locator("#origin")).to_contain_text("100 %")
    expect(page.locator("#map path")).to_have_count(len(frame.places()))
    assert len({tuple(one) for one in row(page)}) > 3, "the picture is of one colour"


def test_the_slider_goes_through_the_dates(screen: Screen) -> None:
    page = screen.shown()
    slider = page.locator("#date")
    for number, (start, _) in enumerate(VISITS):
        slider.fill(str(number))
        expect(page.locator("#date-text")).to_contain_text(start)
        expect(page.locator("#picture-text")).to_contain_text(start)
    slider.fill("0")
    expect(page.locator("#notice")).to_contain_text("no reconstruction yet")
    expect(page.locator("#grade")).to_contain_text("Measured")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#date-text")).to_contain_text(VISITS[1][0])


def test_the_swipe_moves_the_border_between_two_products(screen: Screen) -> None:
    page = screen.shown()
    page.locator("#swipe").fill("100")
    expect(page.locator("#picture")).to_have_attribute("data-edge", re.compile("[1-9][0-9]+"))
    decode = row(page)[:-1]
    page.locator("#swipe").fill("0")
    expect(page.locator("#picture")).to_have_attribute("data-edge", "0")
    drawn = row(page)[1:]
    page.locator("#swipe").fill("50")
    both = row(page)
    assert both[:10] == decode[:10] and both[11:] == drawn[10:]


def test_the_deviation_lies_over_the_right_side(screen: Screen) -> None:
    page = screen.shown()
    before = row(page)
    page.get_by_label("deviation", exact=True).check()
    expect(page.locator("#picture")).to_have_attribute("data-over", "deviation")
    after = row(page)
    assert after[:10] == before[:10] and after[11:] != before[11:]
    page.get_by_label("nothing").check()
    expect(page.locator("#picture")).to_have_attribute("data-over", "none")
    assert row(page) == before


def test_refining_leaves_a_want(screen: Screen, setup: Setup) -> None:
    page = screen.shown()
    page.get_by_role("button", name="Ask the station").click()
    expect(page.locator("#want")).to_contain_text("is open")
    want = re.search("Want ([0-9a-f]{8})", page.locator("#want").inner_text()).group(1)
    assert json.loads((setup.archive / "wants" / f"{want}.json").read_text())["state"] == "open"


def test_axe_finds_nothing_in_either_scheme(screen: Screen) -> None:
    page = screen.shown()
    page.evaluate(AXE_SCRIPT)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("() => axe.run({resultTypes: ['violations']}).then((result) => result.violations)")
        assert [(one["id"], node["html"]) for one in found for node in one["nodes"]] == []


def test_a_phone_needs_no_sideways_scrolling(browser: Browser, address: str) -> None:
    screen = Screen.open(browser, address, width=360)
    assert screen.shown().evaluate("document.documentElement.scrollWidth") == 360
    screen.context.close()
    assert screen.problems == []


def test_a_token_is_asked_for_and_kept_by_the_tab(browser: Browser, setup: Setup, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    served = Served(setup, "--token-file", str(path))
    try:
        screen = Screen.open(browser, served.address)
        expect(screen.page.locator("#token")).to_be_visible()
        expect(screen.page.locator("#content")).to_be_hidden()
        screen.page.locator("#word").fill("a-wrong-token-of-length")
        screen.page.keyboard.press("Enter")
        expect(screen.page.locator("#notice")).to_contain_text("refused")
        screen.page.locator("#word").fill(TOKEN)
        screen.page.keyboard.press("Enter")
        screen.shown()
        screen.page.reload()
        screen.shown()
        assert all("401" in problem for problem in screen.problems) and screen.problems
        screen.context.close()
    finally:
        served.stop()

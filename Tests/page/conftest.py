"""A headless Chromium, and the pages in states that a daemon shows only in bad days."""

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import answers
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from served import Served

Answer = dict[str, Any]
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("no chromium on PATH: run Scripts/install-dependencies test")
    with sync_playwright() as playwright:
        # a container has no user namespaces for Chromium's own sandbox; the pages are ours
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Screen:
    """One open page. The page itself is the daemon's; what the daemon answers is the test's, unless it `is_real`."""

    def __init__(self, context: BrowserContext, address: str, kind: str, is_real: bool = False) -> None:
        self.context = context
        self.address = address
        self.kind = kind
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.wanted: list[str] = []
        self.requests: list[Any] = []
        is_station = kind == "station"
        self.answers: dict[str, Callable[[str], Any]] = {
            "/status.json": lambda _: answers.station() if is_station else answers.gateway(),
            "/saving.json": lambda _: answers.saving_history(),
            "/events.json": lambda query: answers.events(int(query.partition("after=")[2] or 0)),
            "/quicklooks.json": lambda _: answers.quicklooks(),
        }
        self.page.on("console", lambda message: self.problems.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));"
        )
        if is_real:
            return
        self.page.route(lambda url: url.startswith(address) and url.partition(address)[2] != "/", self._answer)

    def _answer(self, route: Route) -> None:
        path, _, query = route.request.url.removeprefix(self.address).partition("?")
        if path in ("", "/"):
            route.fallback()
            return
        self.requests.append(route.request)
        if path.startswith("/quicklook/"):
            route.fulfill(body=answers.picture(int(path.rpartition("/")[2])))
            return
        answer = self.answers[path](query)
        if answer is None:
            route.abort()
        elif isinstance(answer, int):
            route.fulfill(status=answer, json={"error": "refused"})
        else:
            text = answer if isinstance(answer, str) else json.dumps(answer)
            route.fulfill(body=text, content_type="application/json")

    def open(self, status: Callable[[], Any] | None = None) -> Page:
        """Goes to the page, with `status` for every question."""
        if status is not None:
            self.says(status)
        self.page.goto(self.address + "/")
        return self.page

    def says(self, status: Callable[[], Any]) -> None:
        """From now on."""
        self.answers["/status.json"] = lambda _: status()

    def turns_to(self, status: Callable[[], Any]) -> None:
        """From now on, and the page hears it at once."""
        self.says(status)
        self.asks_now()

    def is_shown(self) -> None:
        """Waits for the first status and what follows it."""
        # `wait_for` sees it in the next picture of the browser; `expect` looks again after up to a second
        self.page.locator("#content").wait_for()
        self.page.locator("#events li").first.wait_for()
        if self.kind == "station":
            self.page.locator("#pictures canvas").first.wait_for()

    def asks_now(self) -> None:
        """The page asks at once, as when its tab comes to the front, and not at its next time."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def wants(self, problem: str) -> None:
        """A browser reports failed requests on the console; this one is meant, every other fails the test."""
        self.wanted.append(problem)

    def check(self) -> None:
        """At the end: each wanted problem came, and no other."""
        for wanted in self.wanted:
            assert any(wanted in problem for problem in self.problems), f"no {wanted}"
        others = [problem for problem in self.problems if not any(wanted in problem for wanted in self.wanted)]
        assert others == []

    def axe(self, scheme: str = "light") -> list[str]:
        """What axe finds, one line each; in the dark only what depends on colours."""
        self.page.emulate_media(color_scheme=scheme)
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        # what axe finds good is not told: telling it takes longer than finding it
        options: Answer = {"resultTypes": ["violations"]}
        if scheme == "dark":
            options["runOnly"] = ["color-contrast", "link-in-text-block"]
        found = self.page.evaluate("(options) => axe.run(options).then((result) => result.violations)", options)
        return [
            f"{violation['id']}: {node['html']} {node['failureSummary']}"
            for violation in found
            for node in violation["nodes"]
        ]


@pytest.fixture
def screens(browser: Browser, served: Served) -> Iterator[Callable[..., Screen]]:
    """Makes screens; at the end none of them may have had a problem."""
    made: list[Screen] = []

    def make(kind: str = "station", width: int = 1280, real: Served | None = None, **options: Any) -> Screen:
        """`real`: of these daemons, with their own answers."""
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        address = (real or served).address(kind)
        made.append(Screen(context, address, kind, is_real=real is not None))
        return made[-1]

    yield make
    for screen in made:
        screen.page.unroute_all(behavior="ignoreErrors")
        screen.context.close()
        screen.check()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with Served() as served:
        yield served

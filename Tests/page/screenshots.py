"""`make screenshot`: Docs/img/*.png, the pages of the real daemons with frames of the simulator.

A chart of a day needs a day. So the clock of both daemons begins a day ago and is put forward hour by hour,
until it is right; the pages are photographed by the right clock.
"""

import datetime
import shutil
import tempfile
from pathlib import Path

import imagecodecs
from frames import simulated
from playwright.sync_api import Page, expect, sync_playwright
from served import Served

from faults.daemons import ROOT, wait_for
from faults.interposer import Interposer, build

OUTPUT = ROOT / "Docs" / "img"
SIZE_LIMIT = 300_000
HOURS = 24
SENSORS = {"sentinel-2-l2a": 4, "landsat-8-oli": 2, "naip": 2}
"""Frames an hour."""


class Pass:
    """A day of frames through both daemons."""

    def __init__(self, served: Served, clocks: list[Interposer]) -> None:
        self._served = served
        self._clocks = clocks
        folder = served.folder / "scenes"
        self.sensors = {name: served.sensor(name, simulated(name, folder / name)) for name in SENSORS}
        self.fire = simulated("sentinel-2-l2a", folder / "fire", "--event", "fire")[-1]
        self._sent = 0

    def day(self) -> None:
        for ago in range(HOURS, 0, -1):
            self._set_clock(-ago * 3_600)
            self._hour(ago * 3_600)
        self._set_clock(0)

    def _set_clock(self, seconds: float) -> None:
        for clock in self._clocks:
            clock.step_clock(seconds)
        # each hour's mark is taken by a look of that hour
        before = self._served.station.status()["updated"]
        wait_for("a look", lambda: self._served.station.status()["updated"] != before)

    def _hour(self, ago: float) -> None:
        for name, count in SENSORS.items():
            for _ in range(count):
                self.give(name, ago)
        self.wait()

    def give(self, name: str, ago: float = 0, is_on_fire: bool = False) -> None:
        taken = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=ago)
        self.sensors[name].send(taken, self.fire if is_on_fire else None)
        self._sent += 1

    def wait(self) -> None:
        """Until all that was sent is delivered."""
        self._served.wait("delivered", self._sent)


def shoot(page: Page, name: str, height: int) -> None:
    """The top of a page."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    octets = page.screenshot()
    octets = imagecodecs.png_encode(imagecodecs.png_decode(octets)[..., :3].copy(), level=9)
    if len(octets) > SIZE_LIMIT:
        raise SystemExit(f"{name}.png has {len(octets)} octets, at most {SIZE_LIMIT}: photograph less of the page")
    (OUTPUT / f"{name}.png").write_bytes(octets)


PICTURES = (
    ("station-light", "station", "light", 1280, 1390),
    ("station-dark", "station", "dark", 1280, 1390),
    ("station-phone", "station", "light", 390, 844),
    ("gateway", "gateway", "light", 1280, 900),
)
"""Name, daemon, colours, width, height."""


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    library = build(ROOT / ".build" / "faults")
    scratch = Path(tempfile.mkdtemp(prefix="perigee-clock-"))
    served = Served()
    clocks = [Interposer(library, scratch / name, scratch / "control") for name in ("station", "gateway")]
    for clock, program in zip(clocks, (served.station, served.gateway), strict=True):
        clock.step_clock(-HOURS * 3_600)
        program.variables |= clock.environment()
    with served, sync_playwright() as playwright:
        day = Pass(served, clocks)
        day.day()
        for _ in range(3):
            for name in SENSORS:
                day.give(name)
        day.sensors["naip"].lose(2)
        day.give("naip")
        day.give("sentinel-2-l2a", is_on_fire=True)
        day.wait()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, kind, scheme, width, height in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            for sensor in SENSORS:
                day.give(sensor)
            day.wait()
            page.goto(served.address(kind))
            expect(page.locator("#content")).to_be_visible(timeout=20_000)
            expect(page.locator("#events li").first).to_be_visible(timeout=20_000)
            page.wait_for_timeout(2_500)
            shoot(page, name, height)
        browser.close()
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()

"""`make screenshot`: Docs/img/*.png, the pages of the real daemons with frames of the simulator.

A chart of a day needs a day. So the clock of both daemons begins a day ago and is put forward hour by hour,
until it is right; the pages are photographed by the right clock. First all is well; then the gateway is
away and a source loses frames.
"""

import datetime
import shutil
import subprocess
import tempfile
from pathlib import Path

import imagecodecs
from frames import simulated
from playwright.sync_api import Browser, expect, sync_playwright
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


def shoot(browser: Browser, address: str, picture: tuple[str, str, str, str, int, int]) -> None:
    """The top of a page, with the health that it should show."""
    name, _, health, scheme, width, height = picture
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(address)
    expect(page.locator("#content")).to_be_visible(timeout=20_000)
    expect(page.locator("#events li").first).to_be_visible(timeout=20_000)
    expect(page.locator("#health")).to_have_text(health, timeout=20_000)
    # a gateway hears of the saving when the line is idle
    expect(page.locator("#ratio")).to_contain_text("less", timeout=60_000)
    page.wait_for_timeout(2_500)
    octets = page.screenshot()
    page.close()
    octets = imagecodecs.png_encode(imagecodecs.png_decode(octets)[..., :3].copy(), level=9)
    if len(octets) > SIZE_LIMIT:
        raise SystemExit(f"{name}.png has {len(octets)} octets, at most {SIZE_LIMIT}: photograph less of the page")
    (OUTPUT / f"{name}.png").write_bytes(octets)


HEALTHY = (
    ("station-healthy", "station", "Working", "light", 1280, 1390),
    ("station-healthy-dark", "station", "Working", "dark", 1280, 1390),
    ("station-healthy-phone", "station", "Working", "light", 390, 844),
    ("gateway-healthy", "gateway", "Working", "light", 1280, 900),
)
DEGRADED = ("station-degraded", "station", "Degraded", "light", 1280, 1390)
"""Name, daemon, health, colours, width, height."""


def kept_clock(folder: Path) -> Path:
    """The library that makes the kernel say that its clock is kept."""
    library = folder / "kept_clock.so"
    source = Path(__file__).with_name("kept_clock.c")
    words = ["clang", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(words, check=True)
    return library


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    library = build(ROOT / ".build" / "faults")
    scratch = Path(tempfile.mkdtemp(prefix="perigee-clock-"))
    served = Served()
    kept = kept_clock(scratch)
    clocks = [Interposer(library, scratch / name, scratch / "control") for name in ("station", "gateway")]
    for clock, program in zip(clocks, (served.station, served.gateway), strict=True):
        clock.step_clock(-HOURS * 3_600)
        program.variables |= clock.environment()
        program.variables["LD_PRELOAD"] += f":{kept}"
    with served, sync_playwright() as playwright:
        day = Pass(served, clocks)
        day.day()
        for _ in range(3):
            for name in SENSORS:
                day.give(name)
        day.give("sentinel-2-l2a", is_on_fire=True)
        day.wait()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for picture in HEALTHY:
            for sensor in SENSORS:
                day.give(sensor)
            day.wait()
            shoot(browser, served.address(picture[1]), picture)
        served.gateway.kill()
        day.sensors["naip"].lose(2)
        for sensor in SENSORS:
            day.give(sensor)
        shoot(browser, served.address("station"), DEGRADED)
        browser.close()
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()

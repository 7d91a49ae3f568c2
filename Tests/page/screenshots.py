"""`make screenshot`: Docs/img/*.png, the pages of the real daemons with frames of the simulator.

A day has to pass before a chart of a day has anything to show. So the clock of both daemons begins a day ago and is put forward hour
by hour, until it is right; the pages are photographed by the right clock.
"""

import datetime
import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
import zmq
from faults.daemons import ROOT, perigee, wait_for
from faults.interposer import Interposer, build
from playwright.sync_api import Page, expect, sync_playwright
from served import Served

OUTPUT = ROOT / "Docs" / "img"
SIZE_LIMIT = 300_000
HOURS = 24
SENSORS = {"sentinel-2-l2a": 4, "landsat-8-oli": 2, "naip": 2}
"""Frames an hour."""


class Sensor:
    """A source of one sensor: the simulator's frames of two places, over and over; a fire in the end."""

    def __init__(self, name: str, endpoint: str, folder: Path) -> None:
        self.name = name
        self._run = str(uuid.uuid4())
        self._count = 0
        self._socket = zmq.Context.instance().socket(zmq.PUSH)
        self._socket.connect(endpoint)
        self._calm = cycle(simulated(name, folder / name))
        self._fire = cycle(simulated(name, folder / f"{name}-fire", "--event", "fire"))

    def send(self, taken: datetime.datetime, is_on_fire: bool = False) -> None:
        header, samples = next(self._fire if is_on_fire else self._calm)
        header |= {"v": 1, "kind": "frame", "sensor": self.name, "run": self._run, "seq": self._count}
        header["datetime"] = taken.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._socket.send_multipart([f"frame/{self.name}/".encode(), json.dumps(header).encode(), samples])
        self._count += 1

    def lose(self, count: int) -> None:
        """Frames that the station never sees."""
        self._count += count

    def close(self) -> None:
        self._socket.close(linger=0)


def simulated(sensor: str, folder: Path, *words: str) -> list[tuple[dict[str, object], bytes]]:
    """Headers and samples of frames as a sensor sees them."""
    size = ("--rows", "192", "--columns", "192")
    perigee("simulate", "-o", str(folder), "--sensor", sensor, "--places", "2", "--visits", "6", *size, *words)
    return [described(path) for path in sorted(folder.glob("*.tif"))]


def described(path: Path) -> tuple[dict[str, object], bytes]:
    """One GeoTIFF as Docs/frame-format.md wants it."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        samples = np.atleast_3d(page.asarray())
        geo = page.geotiff_tags
        bands = re.findall(r'role="description">([^<]+)<', page.tags["GDAL_METADATA"].value)
    west, north = geo["ModelTiepoint"][3:5]
    scale = geo["ModelPixelScale"][0]
    samples = np.ascontiguousarray(np.moveaxis(samples, -1, 0))
    return {
        "dtype": samples.dtype.str, "shape": list(samples.shape), "bands": bands,
        "proj:code": f"EPSG:{int(geo['ProjectedCSTypeGeoKey'])}",
        "proj:transform": [scale, 0, west, 0, -scale, north],
    }, samples.tobytes()  # fmt: skip


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Pass:
    """A day of frames through both daemons."""

    def __init__(self, served: Served, clocks: list[Interposer]) -> None:
        self.served = served
        self._clocks = clocks
        folder = served.folder / "frames"
        self.sensors = {name: Sensor(name, served.frames, folder) for name in SENSORS}
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
        before = self.served.station.status()["updated"]
        wait_for("a look", lambda: self.served.station.status()["updated"] != before)

    def _hour(self, ago: float) -> None:
        for name, count in SENSORS.items():
            for _ in range(count):
                self.give(name, ago)
        self.wait()

    def give(self, name: str, ago: float = 0, is_on_fire: bool = False) -> None:
        self.sensors[name].send(now() - datetime.timedelta(seconds=ago), is_on_fire)
        self._sent += 1

    def wait(self) -> None:
        """Until all that was sent is delivered."""
        daemons = (self.served.station, self.served.gateway)
        wait_for("delivery", lambda: self.served.station.ledger()["delivered"] == self._sent, 300, daemons)


def shoot(page: Page, name: str, height: int) -> None:
    """The top of a page."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    octets = page.screenshot()
    octets = imagecodecs.png_encode(imagecodecs.png_decode(octets)[..., :3].copy(), level=9)
    if len(octets) > SIZE_LIMIT:
        raise SystemExit(f"{name}.png has {len(octets)} octets, at most {SIZE_LIMIT}: photograph less of the page")
    (OUTPUT / f"{name}.png").write_bytes(octets)


def pictures(served: Served) -> Iterator[tuple[str, str, str, int, int]]:
    """Name, daemon, colours, width, height."""
    yield "station-light", "station", "light", 1280, 1390
    yield "station-dark", "station", "dark", 1280, 1390
    yield "station-phone", "station", "light", 390, 844
    yield "gateway", "gateway", "light", 1280, 900


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    library = build(ROOT / ".build" / "faults")
    scratch = Path(tempfile.mkdtemp(prefix="perigee-clock-"))
    served = Served(mode="pull", name="svalbard-1")
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
        for name, kind, scheme, width, height in pictures(served):
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            day.give("sentinel-2-l2a")
            day.give("landsat-8-oli")
            day.wait()
            page.goto(served.address(kind))
            expect(page.locator("#content")).to_be_visible(timeout=20_000)
            expect(page.locator("#events li").first).to_be_visible(timeout=20_000)
            page.wait_for_timeout(2_500)
            shoot(page, name, height)
        browser.close()
        for sensor in day.sensors.values():
            sensor.close()
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()

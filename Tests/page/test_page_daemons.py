"""The pages of real daemons, with frames flowing. Each test goes on where the one before ended."""

import itertools
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Screen
from frames import Frame, Sensor, simulated
from playwright.sync_api import expect
from served import Served

from faults.daemons import ROOT

Screens = Callable[..., Screen]
PIXELS = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    return simulated("sentinel-2-l2a", Path(tmp_path_factory.mktemp("scenes")))


@pytest.fixture(scope="module")
def pair() -> Iterator[Served]:
    with Served(number=1) as pair:
        yield pair


@pytest.fixture(scope="module")
def sensor(pair: Served, scenes: list[Frame]) -> Sensor:
    return pair.sensor("sentinel-2-l2a", scenes)


def test_frames_that_flow_are_seen_at_both_ends(screens: Screens, pair: Served, sensor: Sensor) -> None:
    station = screens("station", real=pair).open()
    gateway = screens("gateway", real=pair).open()
    expect(station.locator("#nothing")).to_be_visible()
    for _ in range(6):
        sensor.send()
    pair.wait("delivered", 6)
    expect(station.locator("#delivered")).to_have_text("6 of 6")
    expect(station.locator("#nothing")).to_be_hidden()
    expect(station.locator("#ratio")).to_contain_text("× less")  # noqa: RUF001
    expect(station.locator("#sensors")).to_contain_text("sentinel-2-l2a")
    expect(station.locator("#events")).to_contain_text("delivered after")
    expect(station.locator("#line .mark")).to_have_text("Live")
    expect(station.locator("#ledger .mark")).to_have_text("closes")
    expect(station.locator("#firmware")).to_contain_text("perigee-1")
    expect(gateway.locator("#stations")).to_contain_text("alpha")
    expect(gateway.locator("#stations .mark").first).to_have_text("Connected")
    expect(gateway.locator("#packets")).to_contain_text("Came")


def test_a_sensor_that_sends_is_live_and_one_that_lost_frames_has_a_gap(
    screens: Screens, pair: Served, sensor: Sensor
) -> None:
    page = screens("station", real=pair).open()
    mark = page.locator("#sensors .mark")
    for count in itertools.count(7):
        sensor.send()
        pair.wait("received", count)
        if mark.inner_text() == "Live":
            break
    sensor.lose(2)
    while mark.inner_text() != "Gap":
        count += 1
        sensor.send()
        pair.wait("received", count)
    expect(page.locator("#sensors td[data-label=Missed]")).to_have_text("2")


def test_a_quick_look_is_drawn(screens: Screens, pair: Served) -> None:
    page = screens("station", real=pair).open()
    canvas = page.locator("#pictures canvas").first
    expect(canvas).to_be_visible()
    assert len(set(canvas.evaluate(PIXELS))) > 50


def test_a_small_frame_has_a_quick_look_too(
    screens: Screens, pair: Served, sensor: Sensor, scenes: list[Frame]
) -> None:
    # at 300x the larger of both has some 110 octets, its packet's head among them, the smaller one all but nothing
    header, samples = scenes[0]
    bands, rows, columns = header["shape"]
    whole = np.frombuffer(samples, header["dtype"]).reshape(bands, rows, columns)
    before = pair.station.ledger()["delivered"]
    small = header | {"shape": [4, 64, 64], "bands": header["bands"][:4]}
    tiny = header | {"shape": [1, 8, 8], "bands": header["bands"][:1]}
    for words, cut in ((small, whole[:4, :64, :64]), (tiny, whole[:1, :8, :8])):
        sensor.send(frame=(words, np.ascontiguousarray(cut).tobytes()))
    pair.wait("delivered", before + 2)
    page = screens("station", real=pair).open()
    page.locator("#pictures canvas[width='8'][height='8']").wait_for()
    assert len(set(page.locator("#pictures canvas[width='64'][height='64']").evaluate(PIXELS))) > 50


def test_markup_in_a_frame_stays_out_of_the_page(screens: Screens, pair: Served) -> None:
    page = screens("station", real=pair).open()
    before = pair.station.ledger()["received"]
    name = "<script>document.title='run'</script><img src=x onerror=alert()>"
    stranger = pair.sensor(name, [({"dtype": "|u1", "shape": [1, 1, 9], "bands": [name], "place": name}, bytes(9))])
    stranger.send()
    pair.wait("received", before + 1)
    expect(page.locator("#sensors th").filter(has_text="other")).to_be_visible()
    assert page.title() != "run"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1


def test_what_waits_while_the_gateway_is_away_is_seen_and_drains(
    screens: Screens, pair: Served, sensor: Sensor
) -> None:
    page = screens("station", real=pair).open()
    expect(page.locator("#line .mark")).to_have_text("Live")
    pair.gateway.stop()
    expect(page.locator("#line .mark")).not_to_have_text("Live")
    sensor.send()
    expect(page.locator("#waiting-packets")).not_to_have_text("0\u00a0packets")
    pair.gateway.start_until_ready()
    expect(page.locator("#waiting-packets")).to_have_text("0\u00a0packets", timeout=60_000)
    expect(page.locator("#line .mark")).to_have_text("Live")


def test_a_station_that_ends_is_seen_at_both_ends(screens: Screens, pair: Served) -> None:
    station = screens("station", real=pair)
    station.wants("net::ERR")
    gateway = screens("gateway", real=pair).open()
    page = station.open()
    expect(page.locator("#content")).to_be_visible()
    pair.station.stop()
    expect(page.locator("#notice")).to_contain_text("perigeed does not answer")
    expect(gateway.locator("#stations .mark").first).to_have_text("Away")
    pair.station.start_until_ready()
    expect(page.locator("#notice")).not_to_contain_text("does not answer")
    expect(gateway.locator("#stations .mark").first).to_have_text("Connected", timeout=60_000)


@pytest.mark.parametrize("kind", ["station", "gateway"])
def test_every_alert_has_its_runbook_at_the_daemon(pair: Served, kind: str) -> None:
    def fetched(path: str) -> str:
        with urllib.request.urlopen(pair.address(kind) + path, timeout=20) as answer:
            return answer.read().decode()

    alerts = set(
        re.findall(r'perigee_(?:station_|gateway_)?alert[a-z_]*\{[^}]*?(?:name|alert)="(\w+)"', fetched("/metrics"))
    )
    pages = {path.stem: path.read_text() for path in (ROOT / "Docs" / "runbook").glob("*.md") if path.stem != "README"}
    assert alerts
    assert alerts <= pages.keys()
    for name, text in pages.items():
        assert fetched(f"/runbook/{name}") == text, name
    for path in ("/runbook/", "/runbook/README", "/runbook/../status.json", "/runbook/ClockBad.md"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetched(path)


@pytest.mark.parametrize("kind", ["station", "gateway"])
def test_axe_finds_nothing_on_a_real_page(screens: Screens, pair: Served, kind: str) -> None:
    screen = screens(kind, real=pair)
    page = screen.open()
    expect(page.locator("#content")).to_be_visible()
    expect(page.locator("#events li").first).to_be_visible()
    assert screen.axe("light") == []
    assert screen.axe("dark") == []

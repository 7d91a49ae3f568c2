"""The pages of real daemons, with frames flowing, through good and bad minutes."""

from collections.abc import Callable, Iterator

import answers
import pytest
from conftest import Screen
from playwright.sync_api import expect
from served import Served

Screens = Callable[..., Screen]


@pytest.fixture(scope="module")
def pair() -> Iterator[Served]:
    with Served(number=1) as pair:
        yield pair


def test_frames_that_flow_are_seen_at_both_ends(screens: Screens, pair: Served) -> None:
    station = screens("station", real=pair).open()
    gateway = screens("gateway", real=pair).open()
    expect(station.locator("#nothing")).to_be_visible()
    pair.send(12)
    expect(station.locator("#sensors .mark")).to_have_text("Live")
    expect(station.locator("#delivered")).to_have_text("12 of 12")
    expect(station.locator("#nothing")).to_be_hidden()
    expect(station.locator("#ratio")).to_contain_text("less")
    expect(station.locator("#sensors")).to_contain_text("sentinel-2-l2a")
    expect(station.locator("#events")).to_contain_text("delivered after")
    expect(station.locator("#line .mark")).to_have_text("Live")
    expect(station.locator("#ledger .mark")).to_have_text("closes")
    expect(station.locator("#pictures canvas").first).to_be_visible()
    expect(station.locator("#firmware")).to_contain_text("perigee-1")
    expect(gateway.locator("#stations")).to_contain_text("alpha")
    expect(gateway.locator("#stations .mark").first).to_have_text("Connected")
    expect(gateway.locator("#stations td[data-label=Stored]")).to_contain_text("packets")


def test_a_sensor_whose_name_is_markup_stays_text(screens: Screens, pair: Served) -> None:
    page = screens("station", real=pair).open()
    pair.send(1, answers.MARKUP)
    expect(page.locator("#sensors th").filter(has_text="onerror")).to_have_text(answers.MARKUP)
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1


def test_what_waits_while_the_gateway_is_away_is_seen_and_drains(screens: Screens, pair: Served) -> None:
    screen = screens("station", real=pair)
    page = screen.open()
    expect(page.locator("#line .mark")).to_have_text("Live")
    pair.gateway.stop()
    expect(page.locator("#line .mark")).not_to_have_text("Live")
    pair.send(3)
    expect(page.locator("#waiting-packets")).not_to_have_text("0\u00a0packets")
    pair.gateway.start_until_ready()
    expect(page.locator("#waiting-packets")).to_have_text("0\u00a0packets")
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
    expect(page.locator("#notice")).to_be_hidden()
    expect(gateway.locator("#stations .mark").first).to_have_text("Connected")


@pytest.mark.parametrize("kind", ["station", "gateway"])
def test_axe_finds_nothing_on_a_real_page(screens: Screens, pair: Served, kind: str) -> None:
    screen = screens(kind, real=pair)
    page = screen.open()
    expect(page.locator("#content")).to_be_visible()
    expect(page.locator("#events li").first).to_be_visible()
    assert screen.axe("light") == []
    assert screen.axe("dark") == []

"""The chart against its table and its data, quick-looks pixel by pixel."""

from collections.abc import Callable

import answers
from conftest import Screen
from playwright.sync_api import expect

Screens = Callable[..., Screen]


def test_the_table_holds_what_the_chart_draws(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    page.get_by_text("The same as a table").click()
    rows = page.locator("#hours tr")
    expect(rows).to_have_count(24)
    assert page.locator("#chart rect").count() == 24
    last = answers.saving_history()["hours"][-1]
    assert f"{last['frames']}" in rows.first.inner_text()
    ratio = last["raw_bytes"] / last["link_bytes"]
    assert f"{ratio:.0f}\u00d7" in rows.first.inner_text()


def test_hours_without_a_delivery_are_a_hole_in_the_line(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    assert page.locator("#chart .raw").get_attribute("d").count("M") == 1
    page.get_by_label("7 days").check(force=True)
    expect(page.locator("#chart rect")).to_have_count(27)
    assert page.locator("#chart .raw").get_attribute("d").count("M") == 2


def test_sums_are_divided_once(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    shown = page.evaluate("(hours) => bucketsOf(hours, spans.month, Date.now())", answers.saving_history()["hours"])
    assert len(shown) == 30
    for bucket in shown:
        assert bucket["raw"] == bucket["raw_bytes"] / bucket["link_bytes"]
        assert bucket["zstd"] == bucket["zstd_bytes"] / bucket["link_bytes"]
    first = shown[0]["start"] / 1000
    hours = [hour for hour in answers.saving_history()["hours"] if answers.seconds(hour["start"]) >= first]
    assert sum(bucket["frames"] for bucket in shown) == sum(hour["frames"] for hour in hours)


def test_an_empty_history_says_so(screens: Screens) -> None:
    screen = screens()
    screen.answers["/saving.json"] = lambda _: {"v": 2, "since": answers.moment(), "hours": []}
    page = screen.open()
    screen.is_shown()
    expect(page.locator("#readout")).to_have_text("Nothing was sent in this span.")


def test_quick_looks_have_the_octets_that_were_sent(screens: Screens) -> None:
    screen = screens()
    page = screen.open()
    screen.is_shown()
    expect(page.locator("#pictures canvas")).to_have_count(3)
    pixels = page.locator("#pictures canvas").first.evaluate(
        "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    )
    sent = answers.picture(17)
    assert [value for index, value in enumerate(pixels) if index % 4 < 3] == list(sent)
    assert set(pixels[3::4]) == {255}


def test_without_quick_looks_there_is_no_place_for_them(screens: Screens) -> None:
    screen = screens()
    screen.answers["/quicklooks.json"] = lambda _: answers.quicklooks(0)
    page = screen.open()
    expect(page.locator("#events li").first).to_be_visible()
    expect(page.locator("#chart rect").first).to_be_visible()
    expect(page.locator("#pictures-part")).to_be_hidden()

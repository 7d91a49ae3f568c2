"""History of places, built from archives of the real daemons."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from archives import FIRMWARE, ROOT, VISITS, Live, Year, change, need_programs, opened
from perigee_cluster.archive import Archive
from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.history import choose
from perigee_cluster.history import series as series_module
from perigee_cluster.history.build import DECODER, build, rebuild
from perigee_cluster.history.frame import HistoryFrame, Quality
from perigee_cluster.history.record import DamagedHistoryError
from perigee_cluster.history.series import Series, SeriesFullError
from perigee_cluster.history.store import Entry, History

BAND = Band("B1", 0.49, 0.06, 10)


@pytest.fixture(scope="module")
def built(year: Year, tmp_path_factory: pytest.TempPathFactory) -> History:
    history = History(tmp_path_factory.mktemp("history"))
    summary = build(opened(year.archive), history)
    assert (summary.looked, summary.added, summary.waiting) == (len(VISITS), len(VISITS), 0)
    return history


@pytest.fixture
def own(built: History, tmp_path: Path) -> History:
    """A history that a test may damage."""
    return History(Path(shutil.copytree(built.folder, tmp_path / "history")))


def chunk(history: History, name: str = "samples", slot: int = 0) -> Path:
    """The file of one chunk of the first place."""
    return history.series(history.places()[0])[0].path / name / "c" / str(slot) / "0" / "0" / "0"


def test_history_is_what_the_packets_decode_to(year: Year, built: History) -> None:
    archive = opened(year.archive)
    for frame in archive.frames():
        (sighting,) = (one for one in built.sightings(frame.grid) if one.id == frame.id)
        known = built.load(sighting, frame.grid)
        assert np.array_equal(known.samples, archive.tokens(frame).decode())
        assert (known.grid, known.time, known.bands) == (frame.grid, frame.time, frame.declaration.bands)
        assert (known.sensor, known.grade, known.scale) == ("sentinel-2-l2a", "measured", frame.declaration.scale)
        quality = known.quality
        assert (quality.packet_ids, quality.layers, quality.decoder) == (frame.packet_ids, 5, DECODER)
        assert (quality.octets, quality.firmware) == (frame.octets, frame.declaration.firmware)
        assert 0 < quality.interval_width < 5_000
        assert quality.clear_share == pytest.approx(known.valid.any(axis=0).mean(), abs=1e-3)


def test_clouds_are_no_ground(year: Year, built: History) -> None:
    frame = next(opened(year.archive).frames())
    share = {str(one.time)[:10]: one.quality.clear_share for one in built.sightings(frame.grid)}
    for date, clouds in VISITS:
        assert share[date] > 0.95 if clouds == "0" else share[date] < 0.9
    assert share["2024-06-11"] < 0.1


def test_what_is_asked_for_is_chosen_and_left_out(year: Year, built: History) -> None:
    frames = list(opened(year.archive).frames())
    target = frames[3]
    found = built.frames(target.grid, target.time, 2, without=target.id, like=target.declaration)
    assert len(found) == 2 and target.id not in [frame.id for frame in found]
    assert found[0].id == frames[1].id, "the nearest in time that is clear"
    assert all(frame.grid == target.grid and frame.bands == target.declaration.bands for frame in found)


def test_a_second_look_adds_nothing(year: Year, own: History) -> None:
    before = {place: own.digest(place) for place in own.places()}
    assert build(opened(year.archive), own).looked == 0
    shutil.rmtree(own.folder / "progress")
    again = build(opened(year.archive), own)
    assert (again.looked, again.unchanged, again.added) == (len(VISITS), len(VISITS), 0)
    assert {place: own.digest(place) for place in own.places()} == before


def test_a_rebuild_is_equal_bit_by_bit(year: Year, own: History) -> None:
    places, samples = own.places(), chunk(own).read_bytes()
    done = rebuild([opened(year.archive)], own)
    assert (done.equal, done.changed) == (len(places), ())
    assert own.places() == places and chunk(own).read_bytes() == samples
    assert build(opened(year.archive), own).looked == 0, "progress is that of the rebuild"


def test_a_rebuild_mends_what_was_damaged(year: Year, own: History) -> None:
    place = own.places()[0]
    path = own.series(place)[0].path
    (path / "zarr.json").write_text("{ no json")
    assert own.series(place) == []
    done = rebuild([opened(year.archive)], own)
    assert done.changed == (place,)
    assert len(own.series(place)[0].records) == len(VISITS)


def test_a_rebuild_needs_all_archives(year: Year, own: History, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was not named: name all archives"):
        rebuild([opened(year.copy(tmp_path))], own)


def test_a_crash_before_the_table_leaves_the_older_state(
    year: Year, own: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened(year.archive)
    last = list(archive.frames())[-1]
    fresh = History(tmp_path / "fresh")
    fresh.folder.mkdir()

    class PowerCutError(Exception):
        pass

    def cut(series: Series, records: list) -> None:
        if any(record.id == last.id for record in records):
            raise PowerCutError
        save(series, records)

    save = Series._save
    monkeypatch.setattr(Series, "_save", cut)
    with pytest.raises(PowerCutError):
        build(archive, fresh)
    monkeypatch.undo()
    assert last.id not in [one.id for one in fresh.sightings(last.grid)]
    for one in fresh.sightings(last.grid):
        fresh.load(one, last.grid)
    assert build(archive, fresh).added == 1, "the frames before it are noted as unchanged"
    assert {place: fresh.digest(place) for place in fresh.places()} == {p: own.digest(p) for p in own.places()}


def test_a_series_that_a_crash_left_without_a_table_is_begun_anew(year: Year, own: History) -> None:
    path = own.series(own.places()[0])[0].path
    group = json.loads((path / "zarr.json").read_bytes())
    group["attributes"] = {}
    (path / "zarr.json").write_text(json.dumps(group))
    shutil.rmtree(own.folder / "progress")
    assert build(opened(year.archive), own).added == len(VISITS)
    assert len(own.series(own.places()[0])[0].records) == len(VISITS)


def test_a_damaged_table_stops_no_other_place(year: Year, own: History) -> None:
    path = own.series(own.places()[0])[0].path
    (path / "zarr.json").write_text("{ no json")
    shutil.rmtree(own.folder / "progress")
    summary = build(opened(year.archive), own)
    assert summary.left == {"damaged_history": len(VISITS)}
    assert (path / "zarr.json").read_text() == "{ no json", "only a rebuild takes it away"


def test_a_disk_that_takes_no_more_leaves_what_was_there(year: Year, tmp_path: Path) -> None:
    script = f"""
import resource, sys
from dataclasses import replace
from pathlib import Path
from perigee_cluster.cli import main
limit = 40_000  # octets of a file: less than a date takes, more than what SQLite shares among readers
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main(["history", "build", {str(year.archive)!r}, "--history", {str(tmp_path)!r}]))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Cluster"), "PERIGEE_HOME": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert done.returncode == 74 and "make room" in done.stderr, done.stderr
    history = History(tmp_path)
    assert all(not series.records for place in history.places() for series in history.series(place))
    assert not list(tmp_path.glob("**/*.partial"))
    assert build(opened(year.archive), history).added == len(VISITS)


def _work(archive: Path, folder: Path) -> None:
    build(Archive(archive, FIRMWARE), History(folder))


def test_two_workers_on_one_place_give_what_one_gives(year: Year, built: History, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(year.archive, tmp_path)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    history = History(tmp_path)
    assert history.places() == built.places()
    for place in built.places():
        assert history.digest(place) == built.digest(place)
    for sighting in history.sightings(history.places()[0]):
        history.load(sighting)


def test_more_packets_take_the_place_of_fewer_and_never_the_other_way(
    year: Year, built: History, tmp_path: Path
) -> None:
    folder = year.copy(tmp_path)
    change(folder, "DELETE FROM packets WHERE part > 1")
    history = History(tmp_path / "history")
    build(opened(folder), history)
    place = history.places()[0]
    assert {record.quality.layers for record in history.series(place)[0].records} == {3}
    assert build(opened(year.archive), history).added == len(VISITS)
    assert history.digest(place) == built.digest(place)
    shutil.rmtree(history.folder / "progress")
    assert build(opened(folder), history).added == 0
    assert history.digest(place) == built.digest(place)


def test_frames_that_wait_enter_when_their_reference_comes(year: Year, built: History, tmp_path: Path) -> None:
    folder = year.copy(tmp_path)
    predicted = [frame for frame in opened(folder).frames() if frame.references]
    earlier = predicted[0].references[0]
    leaning = sum(earlier in frame.references for frame in predicted)
    for table in ("packets", "frames"):
        change(folder, f"UPDATE {table} SET frame = frame + 900 WHERE frame = ?", earlier)
    history = History(tmp_path / "history")
    first = build(opened(folder), history)
    assert first.left["waiting_for_reference"] == first.waiting >= leaning >= 1
    for table in ("packets", "frames"):
        change(folder, f"UPDATE {table} SET frame = frame - 900 WHERE frame >= 900")
    second = build(opened(folder), history)
    assert (second.added, second.waiting) == (first.waiting, 0)


def test_frames_of_an_unknown_firmware_enter_when_the_bundle_comes(year: Year, built: History, tmp_path: Path) -> None:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    archive, history = Archive(year.archive, [bundles]), History(tmp_path / "history")
    first = build(archive, history)
    assert first.left == {"unknown_firmware": len(VISITS)} and first.waiting == len(VISITS)
    (bundles / "perigee-1").symlink_to(FIRMWARE[0] / "perigee-1")
    second = build(archive, history)
    assert (second.added, second.waiting) == (len(VISITS), 0)
    assert history.digest(history.places()[0]) == built.digest(built.places()[0])


def test_a_damaged_chunk_costs_its_date(year: Year, own: History, caplog: pytest.LogCaptureFixture) -> None:
    frame = next(opened(year.archive).frames())
    place = own.places()[0]
    slots = {record.slot: record for record in own.series(place)[0].records}
    path = chunk(own, slot=0)
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 16
    path.write_bytes(octets)
    (sighting,) = (one for one in own.sightings(place) if one.id == slots[0].id)
    with pytest.raises(DamagedHistoryError, match="history rebuild"):
        own.load(sighting)
    found = own.frames(frame.grid, frame.time, 8)
    assert slots[0].id not in [one.id for one in found] and len(found) >= 2
    assert "history left out" in caplog.text
    chunk(own, slot=1).unlink()
    (sighting,) = (one for one in own.sightings(place) if one.id == slots[1].id)
    with pytest.raises(DamagedHistoryError, match="another checksum"):
        own.load(sighting)


def entry(place: str = "named_" + "0" * 24, **fields: object) -> Entry:
    quality = Quality(100, 1, 10.0, 0.0, (1, 2, 5), DECODER, 7)
    values = {
        "id": "alpha/00/1", "time": np.datetime64("2024-06-01", "ms"), "samples": np.ones((1, 4, 6), np.uint16),
        "valid": np.ones((1, 4, 6), np.bool_), "sensor": "../../own Sensor", "bands": (BAND,),
        "nodata": None, "scale": 1.0, "offset": 0.0, "grid": None, "places": (place,), "quality": quality,
    }  # fmt: skip
    return Entry(**(values | fields))


def test_drawn_frames_never_enter(tmp_path: Path) -> None:
    history = History(tmp_path)
    with pytest.raises(ValueError, match="history takes measured frames alone"):
        history.append(entry(grade="drawn"))
    assert history.places() == []


def test_a_drawn_frame_that_somebody_wrote_is_not_served(own: History) -> None:
    place = own.places()[0]
    series = own.series(place)[0]
    dates = [record.to_json() for record in series.records]
    dates[0]["grade"] = "drawn"
    zarr.open_group(series.path, mode="r+").attrs["dates"] = dates
    assert dates[0]["id"] not in [one.id for one in own.sightings(place)]
    assert len(own.sightings(place)) == len(VISITS) - 1


def test_places_with_a_name_hold_whole_frames(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.append(entry()) == 1 and history.append(entry()) == 0
    (place,) = history.places()
    (sighting,) = history.sightings(place)
    frame = history.load(sighting)
    assert frame.samples.shape == (1, 4, 6) and frame.grid is None and frame.valid.all()
    assert frame.quality.packet_ids == (1, 2, 5) and frame.sensor == "../../own Sensor"
    (series,) = history.series(place)
    assert series.path.parent.parent == tmp_path / "places" and series.path.name.startswith("own-sensor_")


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_frame_that_was_sent_again_plain_takes_the_place_of_the_first(tmp_path: Path, order: tuple[int, int]) -> None:
    history = History(tmp_path)
    both = {1: entry(id="alpha/00/1"), 2: entry(id="alpha/00/2", replaces="alpha/00/1")}
    for number in order:
        history.append(both[number])
    (place,) = history.places()
    assert [one.id for one in history.sightings(place)] == ["alpha/00/2"]
    assert history.append(both[1]) == 0


@pytest.mark.parametrize("place", ["..", "../x", "named_1", "", "32631_2560_1_1/../.."])
def test_ids_that_are_no_place_are_refused(tmp_path: Path, place: str) -> None:
    history = History(tmp_path)
    with pytest.raises(ValueError, match="place is"):
        history.series(place)
    with pytest.raises(ValueError, match="place is"):
        history.append(entry(place))


def test_dates_beyond_the_quota_go_clouded_ones_first(tmp_path: Path) -> None:
    history = History(tmp_path)
    for day in range(1, 6):
        valid = np.full((1, 4, 6), day != 5)
        time = np.datetime64(f"2024-06-0{day}", "ms")
        history.append(entry(id=f"alpha/00/{day}", time=time, valid=valid), keep=3)
    (place,) = history.places()
    assert [one.id[-1] for one in history.sightings(place)] == ["2", "3", "4"]
    chunks = list((history.series(place)[0].path / "samples" / "c").glob("*/0/0/0"))
    assert len(chunks) == 3
    assert history.drop(place, ["alpha/00/3"]) == 1
    assert [one.id[-1] for one in history.sightings(place)] == ["2", "4"]


def test_a_series_takes_so_many_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "SLOTS", 2)
    history = History(tmp_path)
    for day in (1, 2):
        history.append(entry(id=f"alpha/00/{day}"))
    with pytest.raises(SeriesFullError, match="2 dates, it takes no more: build with --keep"):
        history.append(entry(id="alpha/00/3"))
    assert len(history.sightings(history.places()[0])) == 2


def sheet(day: str, clear: float = 1.0, octets: int = 100) -> HistoryFrame:
    quality = Quality(octets, 1, 1.0, clear, (), "", 0)
    one = np.zeros((1, 1, 1), np.float32)
    time = np.datetime64(day, "ms") if day else None
    return HistoryFrame(f"{day}-{octets}", one, one == 0, time, "s", (BAND,), None, quality)


def test_choice_takes_turns_between_time_season_and_rate() -> None:
    frames = [
        sheet("2024-05-25"), sheet("2024-06-04"), sheet("2024-05-31", clear=0.3), sheet("2023-06-02"),
        sheet("2022-06-20"), sheet("2023-12-01", octets=900), sheet("", octets=5_000),
    ]  # fmt: skip
    time = np.datetime64("2024-06-01", "ms")
    days = [frame.id for frame in choose(frames, time, 5)]
    assert days == ["2024-06-04-100", "2023-06-02-100", "-5000", "2024-05-25-100", "2022-06-20-100"]
    assert [frame.id for frame in choose(frames, None, 2)] == ["-5000", "2023-12-01-900"]
    assert choose(frames, time, 0) == [] and choose([], time, 3) == []
    assert len(choose(frames, time, 99)) == 6, "all but the clouded one, each once"


def test_readers_follow_history_while_it_grows(tmp_path: Path) -> None:
    need_programs()
    live = Live.start(tmp_path, target="1000x")
    try:
        archive, history = opened(live.gateway.archive), History(tmp_path / "history")
        assert build(archive, history).looked == 0 and history.places() == []
        for count, day in enumerate(("2024-06-01", "2024-06-11"), 1):
            live.send("--rows", "64", "--columns", "64", "--clouds", "0", "--start", f"{day}T10:00:00Z")
            assert build(archive, history).added == 1
            frame = list(archive.frames())[-1]
            assert len(history.sightings(frame.grid)) == count
    finally:
        live.stop()


def test_ground_that_nobody_saw_has_no_history(built: History, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        elsewhere = Grid("EPSG:32740", (10, 0, 600_000, 0, -10, 7_000_000), 64, 64)
        assert built.frames(elsewhere, None, 4) == []
    assert caplog.text == ""


def test_a_date_that_moved_since_the_table_was_read_is_found_again(tmp_path: Path) -> None:
    history = History(tmp_path)
    first = entry(id="alpha/00/1")
    history.append(first)
    (place,) = history.places()
    (sighting,) = history.sightings(place)
    # a frame of more packets takes another slot, and a third one the old slot
    better = replace(first, samples=first.samples + 4, quality=replace(first.quality, packet_ids=(1, 2, 5, 6)))
    history.append(better)
    history.append(entry(id="alpha/00/3", samples=np.full((1, 4, 6), 9, np.uint16)))
    assert np.all(history.load(sighting).samples == 5)
    history.drop(place, ["alpha/00/1"])
    with pytest.raises(DamagedHistoryError):
        history.load(sighting)

"""The archive reader on archives that the real gateway filed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import fsspec
import numpy as np
import pytest

from archives import FIRMWARE, VISITS, Live, Year, change, flip, forge, need_programs, opened, place_of
from perigee_cluster.archive import Archive, ArchiveError, Cursor, NotDecodableError, State, index
from perigee_cluster.data.frames import read_frame


def predicted(archive: Archive) -> int:
    """The number of some frame that is predicted from another."""
    return next(frame.number for frame in archive.frames() if frame.references)


def state_of(archive: Archive, number: int) -> State:
    """What becomes of a frame that is asked for its tokens."""
    frame = next(frame for frame in archive.frames() if frame.row.frame == number)
    try:
        archive.tokens(frame).decode()
    except NotDecodableError as error:
        assert error.reason
        return error.state
    return State.READY


def test_frames_decode_to_what_the_renderer_writes(year: Year) -> None:
    archive, products = opened(year.archive), year.products
    frames = list(archive.frames())
    assert len(frames) == len(products) == len(VISITS)
    for frame in frames:
        assert frame.state is State.READY and frame.sensor == "sentinel-2-l2a" and frame.station == "alpha"
        product = read_frame(products[frame.epoch.hex(), frame.number])
        assert np.array_equal(archive.tokens(frame).decode(), product.samples)
        assert [band.name for band in frame.declaration.bands] == list(product.bands)
    assert any(frame.references for frame in frames)


def test_a_frame_says_when_and_where_it_was_taken(year: Year) -> None:
    frame = next(opened(year.archive).frames())
    assert frame.grid.crs.startswith("EPSG:326") and frame.grid.is_north_up and frame.grid.transform[0] == 10
    assert frame.time is not None and str(frame.time).startswith("2024-")
    assert len(frame.places()) >= 1
    assert frame.octets > 1_000 and len(frame.packet_ids) >= 3 and frame.layers == 5


def test_fewer_layers_are_asked_for_by_their_count(year: Year) -> None:
    archive = opened(year.archive)
    frame = next(archive.frames())
    tokens = archive.tokens(frame)
    assert [len(archive.tokens(frame, count).layers) for count in (1, 3)] == [1, 3]
    assert np.array_equal(archive.tokens(frame, 2).decode(), tokens.stream.decode(tokens.layers[:2]))


def test_a_reader_goes_on_where_it_stopped(year: Year) -> None:
    frames = list(opened(year.archive).frames())
    for place, frame in enumerate(frames):
        cursor = Cursor.parse(str(frame.cursor))
        again = [later.id for later in opened(year.archive).frames(cursor)]
        assert again == [later.id for later in frames[place + 1 :]]


def test_a_reader_that_stops_among_frames_that_changed_at_once_loses_none(
    year: Year, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "BATCH", 2)
    folder = year.copy(tmp_path)
    changes = [frame.row.changed for frame in opened(folder).frames()]
    # as a declaration does that comes after the frames
    change(folder, "UPDATE frames SET changed = ? WHERE changed IN (?, ?)", changes[3], changes[1], changes[2])
    everything = [frame.id for frame in opened(folder).frames()]
    assert len(set(everything)) == len(everything) == len(VISITS)
    for stop in range(1, len(VISITS) + 1):
        first = list(islice(opened(folder).frames(), stop))
        rest = list(opened(folder).frames(first[-1].cursor))
        assert {frame.id for frame in [*first, *rest]} == set(everything)
    assert list(opened(folder).frames(first[-1].cursor)) == []


def test_a_cursor_of_another_index_starts_anew(year: Year, caplog: pytest.LogCaptureFixture) -> None:
    frames = list(opened(year.archive).frames())
    foreign = Cursor(frames[2].cursor.change, frames[2].cursor.checksum ^ 1)
    assert len(list(opened(year.archive).frames(foreign))) == len(VISITS)
    assert "made anew" in caplog.text
    with pytest.raises(ValueError, match="expected NUMBER-CHECKSUM"):
        Cursor.parse("7")


def test_segments_may_lie_in_an_object_store(year: Year) -> None:
    store = fsspec.filesystem("memory")
    for path in (year.archive / "segments").iterdir():
        store.pipe_file(f"/bucket/segments/{path.name}", path.read_bytes())
    here = opened(year.archive)
    there = Archive(year.archive, FIRMWARE, segments="memory://bucket/segments")
    for frame, same in zip(here.frames(), there.frames(), strict=True):
        assert np.array_equal(here.tokens(frame).decode(), there.tokens(same).decode())


def test_a_missing_reference_is_waited_for(year: Year, tmp_path: Path) -> None:
    folder = year.copy(tmp_path)
    archive = opened(folder)
    number = predicted(archive)
    earlier = archive.again(next(f for f in archive.frames() if f.number == number).row.key).references[0]
    change(folder, "UPDATE packets SET frame = frame + 900 WHERE frame = ? AND part > 1", earlier)
    assert state_of(opened(folder), number) is State.WAITING_FOR_REFERENCE
    change(folder, "UPDATE packets SET frame = frame + 900 WHERE frame = ?", earlier)
    change(folder, "UPDATE frames SET frame = frame + 900 WHERE frame = ?", earlier)
    assert state_of(opened(folder), number) is State.WAITING_FOR_REFERENCE
    change(folder, "UPDATE packets SET frame = frame - 900 WHERE frame >= 900")
    change(folder, "UPDATE frames SET frame = frame - 900 WHERE frame >= 900")
    assert state_of(opened(folder), number) is State.READY


def test_a_reference_with_another_hash_is_not_decoded(year: Year, tmp_path: Path) -> None:
    folder = year.copy(tmp_path)
    frame = next(frame for frame in opened(folder).frames() if frame.references)
    value = frame.metadata.reference_hash
    forge(folder, frame.row.frame, value.to_bytes(4, "little"), (value ^ 1).to_bytes(4, "little"))
    assert state_of(opened(folder), frame.row.frame) is State.REFERENCE_DIFFERS


def test_a_damaged_packet_costs_itself_alone(year: Year, tmp_path: Path) -> None:
    folder = year.copy(tmp_path)
    archive = opened(folder)
    plain = next(frame for frame in archive.frames() if not frame.references)
    whole = archive.tokens(plain)
    offset, size = place_of(folder, plain.row.frame, 1)
    flip(folder, offset + size // 2)
    archive = opened(folder)
    frame = next(frame for frame in archive.frames() if frame.id == plain.id)
    cut = archive.tokens(frame)
    assert cut.layers == whole.layers[: len(cut.layers)] and len(cut.layers) == 2
    offset, size = place_of(folder, plain.row.frame, 0)
    flip(folder, offset + 50)
    states = {frame.id: frame.state for frame in opened(folder).frames()}
    assert states.pop(plain.id) is State.DAMAGED
    assert set(states.values()) == {State.READY}


def test_a_missing_segment_is_damage_and_names_the_file(year: Year, tmp_path: Path) -> None:
    folder = year.copy(tmp_path)
    (folder / "segments" / "00000001.seg").unlink()
    frames = list(opened(folder).frames())
    assert len(frames) == len(VISITS)
    assert {frame.state for frame in frames} == {State.DAMAGED}
    assert "00000001.seg is missing" in frames[0].reason


def test_frames_of_an_unknown_firmware_are_told(year: Year, tmp_path: Path) -> None:
    archive = Archive(year.archive, [tmp_path])
    frames = list(archive.frames())
    assert {frame.state for frame in frames} == {State.UNKNOWN_FIRMWARE}
    with pytest.raises(NotDecodableError, match="add the folder of its bundle"):
        archive.tokens(frames[0])
    (tmp_path / "perigee-1").symlink_to(FIRMWARE[0] / "perigee-1")
    assert {frame.state for frame in archive.frames()} == {State.READY}, "bundles come while it runs"


def test_what_is_no_archive_says_what_to_do(year: Year, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="perigee archive reindex"):
        list(opened(tmp_path).frames())
    (tmp_path / "index.sqlite").write_bytes(b"no database at all, but long enough to be asked" * 40)
    with pytest.raises(ArchiveError, match="perigee archive verify"):
        list(opened(tmp_path).frames())
    folder = year.copy(tmp_path / "old")
    change(folder, "PRAGMA user_version = 1")
    with pytest.raises(ArchiveError, match="version 1, must be 2"):
        list(opened(folder).frames())


def test_readers_follow_a_gateway_that_runs(tmp_path: Path) -> None:
    need_programs()
    live = Live.start(tmp_path)
    try:
        first, second = opened(live.gateway.archive), opened(live.gateway.archive)
        assert list(first.frames()) == []
        sent = live.send("--visits", "2", "--rows", "64", "--columns", "64", "--clouds", "0")
        seen = list(first.frames())
        assert len(seen) == sent == 2
        live.send(
            "--visits", "3", "--rows", "64", "--columns", "64", "--clouds", "0", "--start", "2025-01-02T10:00:00Z"
        )
        more = list(first.frames(seen[-1].cursor))
        assert len(more) == 3 and not {frame.id for frame in more} & {frame.id for frame in seen}
        assert list(first.frames(more[-1].cursor)) == []
        everything = list(second.frames())
        assert [frame.id for frame in everything] == [frame.id for frame in [*seen, *more]]
        for frame in everything:
            assert second.tokens(frame).decode().shape == (12, 64, 64)
    finally:
        live.stop()

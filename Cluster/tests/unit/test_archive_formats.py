"""Packets, declarations and places, octet by octet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from archives import FIRMWARE, Year, opened
from perigee_cluster.archive.declaration import Declaration, firmware_of, parse_declaration, parse_metadata
from perigee_cluster.archive.octets import FormatError, Reader, crc32c
from perigee_cluster.archive.packets import parse_packet, parse_record
from perigee_cluster.archive.places import Cell, PlacelessError, cells, is_place_id, name_id
from perigee_cluster.archive.profiles import Profile
from perigee_cluster.data.grid import Grid

VECTORS = Path(__file__).resolve().parents[3] / "Tests" / "Vectors" / "packet" / "1"
UTM = "EPSG:32631"


def profiles() -> tuple[Profile, ...]:
    manifest = json.loads((FIRMWARE[0] / "perigee-1" / "manifest.json").read_bytes())
    return tuple(Profile.of_manifest(fields) for fields in manifest["profiles"])


def vector(name: str) -> bytes:
    lines = (VECTORS / name).read_text().splitlines()
    return bytes.fromhex("".join(line.split("#")[0] for line in lines))


def declared() -> Declaration:
    return parse_declaration(parse_packet(vector("declaration.hex")).body, profiles())


def test_the_worked_example_of_the_document() -> None:
    declaration = declared()
    assert firmware_of(parse_packet(vector("declaration.hex")).body) == 0x01020304
    assert (declaration.profile, declaration.shape[1:]) == (profiles()[1], (264, 264))
    assert (declaration.crs, declaration.matrix) == (UTM, (10, 0, 0, -10))
    part = parse_packet(vector("part.hex"))
    reader = Reader(part.body)
    metadata = parse_metadata(reader, declaration)
    assert metadata.time == np.datetime64("2018-08-04T10:46:29.024")
    assert metadata.origin == (499_980, 5_600_040)
    assert (metadata.place, metadata.group, metadata.references) == (None, None, ())


def test_a_record_of_the_document() -> None:
    record = bytes.fromhex("1a000000010161000000000000000000000000000000000104ff7fda5d0b")
    assert parse_record(record) == b"\xff"
    for index in range(len(record) - 1):
        with pytest.raises(FormatError):
            parse_record(record[:index])
    for index in range(4, len(record)):
        with pytest.raises(FormatError):
            parse_record(record[:index] + bytes([record[index] ^ 1]) + record[index + 1 :])


INLINE = (
    bytes.fromhex("0104030201")
    + b"\x03abc\x01\x01"
    + b"".join(np.float64(value).tobytes() for value in (255, 1, 0, 7))
    + b"\x02\x01R\x07"
    + b"".join(np.float32(value).tobytes() for value in (0.665, 0.03, 10))
    + b"\x03scl\x08\x10\x20"
)


def test_an_inline_profile_is_spelled_out() -> None:
    declaration = parse_declaration(INLINE, ())
    assert declaration.shape == (2, 16, 32)
    assert [band.name for band in declaration.bands] == ["R", "scl"]
    assert declaration.bands[0].wavelength == pytest.approx(0.665) and declaration.bands[1].is_categorical
    assert (declaration.sample_type, declaration.nodata) == ("uint16", 7)
    assert declaration.profile.definition["bands"][1] == {"name": "scl", "categorical": True}


@pytest.mark.parametrize("whole", [INLINE, parse_packet(vector("declaration.hex")).body], ids=["inline", "known"])
def test_octets_that_mean_nothing_are_refused_by_name(whole: bytes) -> None:
    for size in range(len(whole)):
        with pytest.raises(FormatError):
            parse_declaration(whole[:size], profiles())
    with pytest.raises(FormatError, match="longer than its fields"):
        parse_declaration(whole + b"\0", profiles())
    random = np.random.default_rng(7)
    for _ in range(500):
        octets = bytearray(whole)
        for place in random.integers(0, len(octets), 3):
            octets[place] = random.integers(0, 256)
        try:
            parse_declaration(bytes(octets), profiles())
        except FormatError:
            continue


def test_metadata_that_mean_nothing_are_refused_by_name() -> None:
    declaration, random = declared(), np.random.default_rng(8)
    for _ in range(1_000):
        try:
            parse_metadata(Reader(random.integers(0, 256, 40, np.uint8).tobytes()), declaration)
        except FormatError:
            continue


@pytest.mark.parametrize(
    ("octets", "replaces"),
    [
        (b"\x80\x00\x03", (None, 3)),
        (b"\x80\x00\x00" + bytes(range(16)) + b"\x07", (bytes(range(16)), 7)),
    ],
)
def test_a_frame_may_stand_for_another(octets: bytes, replaces: tuple[bytes | None, int]) -> None:
    metadata = parse_metadata(Reader(octets), declared())
    assert (metadata.replaces, metadata.references, metadata.reference_hash) == (replaces, (), 0)
    for size in range(1, len(octets)):
        with pytest.raises(FormatError):
            parse_metadata(Reader(octets[:size]), declared())
    with pytest.raises(FormatError, match="replaced"):
        parse_metadata(Reader(b"\x80\x00\x81\x80\x80\x80\x80\x80\x80\x01"), declared())


def test_a_packet_with_another_checksum_is_refused() -> None:
    packet = vector("part.hex")
    with pytest.raises(FormatError, match="checksum"):
        parse_packet(packet[:-1] + bytes([packet[-1] ^ 1]))
    with pytest.raises(FormatError, match="packet size"):
        parse_packet(b"")
    flags = b"\x03" + packet[1:-4]
    with pytest.raises(FormatError, match="packet flags"):
        parse_packet(flags + crc32c(flags).to_bytes(4, "little"))


def north_up(x: float, y: float, pixel: float, rows: int, columns: int, crs: str = UTM) -> Grid:
    return Grid(crs, (pixel, 0, x, 0, -pixel, y), rows, columns)


@pytest.mark.parametrize(
    ("grid", "ids"),
    [
        (north_up(2_560, 5_120, 10, 256, 256), ["32631_2560_1_1"]),
        (north_up(2_550, 5_120, 10, 256, 256), ["32631_2560_0_1", "32631_2560_1_1"]),
        (north_up(0, 0, 10, 1, 1, "EPSG:32701"), ["32701_2560_0_-1"]),
        (north_up(2_560, 5_120, 30, 85, 85), ["32631_2560_1_1"]),
        (north_up(0, 20_480, 250, 64, 64), ["32631_20480_0_0"]),
        (north_up(0, 2_560, 0.6, 10, 10), ["32631_2560_0_0"]),
    ],
)
def test_cells_of_a_frame(grid: Grid, ids: list[str]) -> None:
    assert [cell.id for cell in cells(grid)] == ids
    assert all(is_place_id(place) and Cell.parse(place).id == place for place in ids)


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (north_up(0, 0, 0.0001, 256, 256, "EPSG:4326"), "pixel is 0.0001"),
        (Grid(UTM, (10, 1, 0, 1, -10, 0), 4, 4), "square north-up"),
        (Grid(UTM, (10, 0, 0, 0, -20, 0), 4, 4), "square north-up"),
        (north_up(0, 0, 100, 1 << 20, 1 << 20), "65536 cells"),
    ],
)
def test_frames_without_a_place_say_why(grid: Grid, reason: str) -> None:
    with pytest.raises(PlacelessError, match=reason):
        cells(grid)


def test_names_become_ids_that_are_no_path() -> None:
    place = name_id("alpha", "../../etc/passwd")
    assert is_place_id(place) and "/" not in place
    assert place != name_id("beta", "../../etc/passwd")
    for trick in ("..", "named_../x", "32631_2560_1_1/..", "", "named_", "32631_2560_1_1\n", "/32631_2560_1_1"):
        assert not is_place_id(trick)


def test_frames_of_the_year_lie_in_their_cells(year: Year) -> None:
    for frame in opened(year.archive).frames():
        x0, y0, x1, y1 = frame.grid.bounds
        for place in frame.places():
            left, bottom, right, top = Cell.parse(place).bounds
            assert left < x1 and right > x0 and bottom < y1 and top > y0

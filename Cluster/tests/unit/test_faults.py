"""The fault bench's own ground: the interposed library, the model of a power cut, the reader of archives."""

from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.archive import read_archive
from faults.interposer import FAMILIES, Interposer, build
from faults.octets import Reader, crc32c, frame_packet, packet_head, svarint, varint
from faults.powercut import SECTOR, WRITTEN, Disk, read_journal, restore

SEEDS = range(200)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, built once."""
    return build(tmp_path_factory.mktemp("library"))


class Bed:
    """A watched folder, its journal, and programs that run above the library."""

    def __init__(self, library: Path, folder: Path) -> None:
        self.watched = folder / "watched"
        self.before = folder / "before"
        self.before.mkdir()
        self.interposer = Interposer(library, self.watched, folder / "control", folder / "journal")

    def run(self, body: str) -> subprocess.CompletedProcess[str]:
        """Runs Python above the library, in the watched folder; `os`, `sys` and `w(path, octets)` are there."""
        start = "import os, sys, time\n"
        return subprocess.run(
            [sys.executable, "-c", start + body], cwd=self.watched, text=True, capture_output=True, check=False,
            env={**os.environ, **self.interposer.environment()},
        )  # fmt: skip

    def disk(self, until: int | None = None) -> Disk:
        """What the journal says so far."""
        disk = Disk(self.before)
        assert self.interposer.journal is not None
        disk.replay(self.interposer.journal, until)
        return disk


@pytest.fixture
def bed(library: Path, tmp_path: Path) -> Bed:
    """A fresh one."""
    return Bed(library, tmp_path)


def test_what_was_synced_is_there_after_every_cut(bed: Bed) -> None:
    bed.run(
        "f = os.open('a', os.O_CREAT | os.O_RDWR); os.pwrite(f, b'x' * 3072, 0); os.fdatasync(f)\n"
        "os.fsync(os.open('.', os.O_RDONLY)); os.pwrite(f, b'y' * 3072, 1024)"
    )
    disk = bed.disk()
    found = [disk.after_cut(seed)["a"] for seed in SEEDS]
    assert all(content is not None and content[:1024] == b"x" * 1024 for content in found)
    assert {len(content or b"") for content in found} >= {3072, 4096}
    torn = [content for content in found if content and b"x" in content[1024:] and b"y" in content]
    assert torn, "no seed tore a write"
    for content in torn:
        for sector in range(2, len(content) // SECTOR):  # a sector is whole: old or new
            assert len(set(content[sector * SECTOR : (sector + 1) * SECTOR])) == 1


def test_a_name_is_sure_only_behind_a_sync_of_its_folder(bed: Bed) -> None:
    bed.run(
        "os.mkdir('d'); os.fsync(os.open('.', os.O_RDONLY))\n"
        "f = os.open('d/a', os.O_CREAT | os.O_RDWR); os.write(f, b'whole'); os.fsync(f)"
    )
    disk = bed.disk()
    found = [disk.after_cut(seed) for seed in SEEDS]
    assert all("d" in cut for cut in found)
    assert {"d/a" in cut for cut in found} == {True, False}
    assert all(cut["d/a"] == b"whole" for cut in found if "d/a" in cut)


def test_a_rename_leaves_the_old_content_or_the_new(bed: Bed) -> None:
    (bed.before / "a").write_bytes(b"old")
    (bed.watched / "a").write_bytes(b"old")
    bed.run("f = os.open('b', os.O_CREAT | os.O_RDWR); os.write(f, b'new'); os.fsync(f); os.rename('b', 'a')")
    disk = bed.disk()
    assert {disk.after_cut(seed)["a"] for seed in SEEDS} == {b"old", b"new"}
    bed.run("os.fsync(os.open('.', os.O_RDONLY))")
    assert {disk.after_cut(0)["a"]} <= {b"old", b"new"}
    assert [bed.disk().after_cut(seed) for seed in SEEDS] == [{"a": b"new"}] * len(SEEDS)


def test_cuts_and_removals_come_back_until_they_are_synced(bed: Bed) -> None:
    for folder in (bed.before, bed.watched):
        (folder / "a").write_bytes(b"0123456789")
        (folder / "b").write_bytes(b"b")
    bed.run("f = os.open('a', os.O_RDWR); os.ftruncate(f, 4); os.unlink('b')")
    found = [bed.disk().after_cut(seed) for seed in SEEDS]
    assert {cut["a"] for cut in found} == {b"0123456789", b"0123"}
    assert {"b" in cut for cut in found} == {True, False}
    bed.run("f = os.open('a', os.O_RDWR); os.fdatasync(f); os.fsync(os.open('.', os.O_RDONLY))")
    assert {tuple(sorted(bed.disk().after_cut(seed).items())) for seed in SEEDS} == {(("a", b"0123"),)}


def test_writes_while_a_sync_runs_are_not_counted_as_synced(bed: Bed) -> None:
    bed.interposer.delay(0.5)
    bed.run(
        "import threading\nf = os.open('a', os.O_CREAT | os.O_RDWR); os.pwrite(f, b'first', 0)\n"
        "t = threading.Thread(target=os.fdatasync, args=(f,)); t.start(); time.sleep(0.2)\n"
        "os.pwrite(f, b'second', 5); t.join(); os.fsync(os.open('.', os.O_RDONLY))"
    )
    found = {bed.disk().after_cut(seed)["a"] for seed in SEEDS}
    assert found == {b"first", b"firstsecond"}


def test_the_same_seed_finds_the_same_and_restores_it(bed: Bed, tmp_path: Path) -> None:
    bed.run("f = os.open('a', os.O_CREAT | os.O_RDWR); os.write(f, b'z' * 5000); os.mkdir('d')")
    assert [bed.disk().after_cut(seed) for seed in range(20)] == [bed.disk().after_cut(seed) for seed in range(20)]
    found = next(cut for cut in (bed.disk().after_cut(seed) for seed in SEEDS) if len(cut) == 2)
    restore(found, tmp_path / "back")
    assert (tmp_path / "back" / "a").read_bytes() == found["a"]
    assert (tmp_path / "back" / "d").is_dir()


def test_every_octet_of_a_journal_is_a_point_to_cut_at(bed: Bed) -> None:
    bed.run(
        "d = os.open('.', os.O_RDONLY)\nfor i in range(4):\n"
        "    f = os.open(f'f{i}', os.O_CREAT | os.O_WRONLY | os.O_APPEND); os.write(f, b'a' * 700); os.write(f, b'b')\n"
        "    os.fsync(f); os.fsync(d); os.close(f)"
    )
    journal = bed.interposer.journal
    assert journal is not None
    size = journal.stat().st_size
    ends = [record.end for record in read_journal(journal)]
    assert ends[-1] == size
    assert sum(record.operation == WRITTEN for record in read_journal(journal)) == 8
    whole = [len(bed.disk(until).after_cut(1)) for until in range(0, size + 1, 37)]
    assert whole[0] == 0
    assert bed.disk().after_cut(1) == {f"f{index}": b"a" * 700 + b"b" for index in range(4)}


@pytest.mark.parametrize("family", ["fdatasync", "fsync", "pwrite", "write", "ftruncate", "rename", "unlink", "mkdir"])
def test_the_third_call_of_a_family_fails_with_the_error_asked_for(bed: Bed, family: str) -> None:
    bed.interposer.fail(3, [family], errno.ENOSPC)
    done = bed.run(
        "f = os.open('a', os.O_CREAT | os.O_RDWR)\n"
        "calls = dict(fdatasync=lambda i: os.fdatasync(f), fsync=lambda i: os.fsync(f),\n"
        "  pwrite=lambda i: os.pwrite(f, b'12', 0), write=lambda i: os.write(f, b'12'),\n"
        "  ftruncate=lambda i: os.ftruncate(f, 1), rename=lambda i: os.rename(f'r{i}', f'r{i + 1}'),\n"
        "  unlink=lambda i: os.unlink(f'u{i}'), mkdir=lambda i: os.mkdir(f'd{i}'))\n"
        "os.open('r0', os.O_CREAT); [os.open(f'u{i}', os.O_CREAT) for i in range(5)]\n"
        f"for i in range(4):\n    try: calls['{family}'](i if '{family}' != 'rename' or i < 3 else 2); print('ok')\n"
        "    except OSError as error: print(error.errno)"
    )
    assert done.stdout.split() == ["ok", "ok", str(errno.ENOSPC), "ok"], done.stderr
    assert bed.interposer.injected == 1
    assert bed.interposer.counted == 4


def test_from_the_second_on_all_fail_and_it_heals(bed: Bed) -> None:
    bed.interposer.fail(2, ["fsync"], mode="from")
    body = (
        "f = os.open('a', os.O_CREAT | os.O_RDWR)\nfor i in range(4):\n"
        "    try: os.fsync(f); print('ok')\n    except OSError as error: print(error.errno)"
    )
    assert bed.run(body).stdout.split() == ["ok", "5", "5", "5"]
    bed.interposer.heal()
    assert bed.run(body).stdout.split() == ["ok"] * 4


def test_a_short_write_writes_half_and_a_kill_point_kills(bed: Bed) -> None:
    bed.interposer.fail(1, ["write"], mode="short")
    assert bed.run("f = os.open('a', os.O_CREAT | os.O_RDWR); print(os.write(f, b'12345678'))").stdout == "4\n"
    bed.interposer.fail(2, ["write"], mode="kill")
    done = bed.run("f = os.open('a', os.O_RDWR)\nfor i in range(3): os.write(f, b'ab'); print(i, flush=True)")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "0\n"
    assert (bed.watched / "a").read_bytes() == b"ab34"


def test_files_elsewhere_are_left_alone(bed: Bed, tmp_path: Path) -> None:
    bed.interposer.fail(1, FAMILIES, mode="from")
    other = tmp_path / "watched-not"
    done = bed.run(f"f = os.open({str(other)!r}, os.O_CREAT | os.O_RDWR); os.write(f, b'1'); os.fsync(f); print('ok')")
    assert done.stdout == "ok\n", done.stderr
    assert bed.interposer.injected == 0
    done = bed.run("f = os.open('../watched/a', os.O_CREAT | os.O_RDWR)")
    assert "Input/output error" in done.stderr


def test_the_clock_of_the_calendar_steps_and_no_other(bed: Bed) -> None:
    bed.interposer.step_clock(-86_400)
    done = bed.run("print(time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))")
    calendar, monotonic = map(float, done.stdout.split())
    assert abs(time.time() - 86_400 - calendar) < 600
    assert abs(time.clock_gettime(time.CLOCK_MONOTONIC) - monotonic) < 600


def test_checksums_and_numbers_are_those_of_the_formats() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    for value in (0, 1, 127, 128, 300, 2**40):
        assert Reader(varint(value)).varint() == value
        assert Reader(svarint(-value)).svarint() == -value
    head = packet_head(frame_packet(7, "run-3", b"tokens", declaration=2))
    assert (head.kind, head.layer, head.is_last, head.frame, head.declaration, head.group) == (
        0,
        0,
        True,
        7,
        2,
        "run-3",
    )
    with pytest.raises(ValueError, match="checksum"):
        packet_head(b"\0" + frame_packet(7, "run-3", b"tokens")[1:])


def _record(number: int, packet: bytes) -> bytes:
    body = b"\x01\x01a" + bytes(16) + varint(number) + svarint(2) + packet
    whole = struct.pack("<I", len(body) + 4) + body
    return whole + struct.pack("<I", crc32c(whole))


def test_the_reader_of_archives_sees_what_is_lost_twice_or_changed(tmp_path: Path) -> None:
    segments = tmp_path / "segments"
    segments.mkdir()
    # the worked example of Docs/archive-format.md
    example = bytes.fromhex("1a0000000101610000000000000000000000000000000001 04ff 7fda5d0b".replace(" ", ""))
    assert _record(1, b"\xff") == example
    tombstone = bytes.fromhex("200000000201610000000000000000000000000000000003 04 05 01 01 ac02 02 04 1003c17d")
    one, two, other = frame_packet(1, "r-1", b"1"), frame_packet(2, "r-2", b"2"), frame_packet(2, "r-9", b"9")
    header = b"PGSEGMNT" + struct.pack("<II", 1, 1)
    path = segments / "00000001.seg"
    path.write_bytes(header + _record(1, one) + _record(2, two))
    filed = read_archive(tmp_path)
    assert filed.frames() == {"r-1": 1, "r-2": 1}
    assert (filed.duplicates, filed.conflicts, filed.damaged) == (0, 0, 0)
    path.write_bytes(header + _record(1, one) + _record(1, one) + _record(2, two) + _record(2, other))
    filed = read_archive(tmp_path)
    assert (filed.duplicates, filed.conflicts) == (1, 1)
    path.write_bytes(header + _record(1, one) + tombstone + _record(9, two))
    filed = read_archive(tmp_path)
    assert filed.holes("a", bytes(16), 9) == ([3, 4, 5, 6, 7], [2, 8])
    assert filed.damaged == 0
    torn = bytearray(_record(1, one))
    torn[30] ^= 1
    path.write_bytes(header + torn + _record(2, two))
    filed = read_archive(tmp_path)
    assert filed.frames() == {"r-2": 1}
    assert filed.damaged == len(torn)

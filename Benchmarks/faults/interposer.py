"""The library of interpose.c: how it is built, asked, and read."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

FAMILIES = ("fdatasync", "fsync", "pwrite", "write", "ftruncate", "rename", "unlink", "open", "mkdir", "read")
MODES = {"once": 0, "from": 1, "short": 2, "kill": 3}
ALL_WRITES = tuple(name for name in FAMILIES if name != "read")
_HEAD = struct.Struct("<IIIIIIqII")  # magic, families, at, error, mode, delay, clock, counted, injected
_SIZE = 4096
_CALLS = _HEAD.size
_WAITING = _CALLS + 4 * len(FAMILIES)


def build(folder: Path, name: str = "interpose") -> Path:
    """Builds a library of this folder into `folder` where it is older than its source."""
    source = Path(__file__).with_name(f"{name}.c")
    library = folder / f"{name}.so"
    if library.exists() and library.stat().st_mtime >= source.stat().st_mtime:
        return library
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{name}.so.{os.getpid()}"
    # a machine that has only what Swift asks for may have no `cc`, but Swift brings this one
    compiler = shutil.which("cc") or "clang"
    command = [compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run([*command, "-o", str(fresh), str(source), "-pthread"], check=True)
    fresh.rename(library)
    return library


class Interposer:
    """What one process is to suffer on files below `folder`, changed and read while it runs."""

    def __init__(self, library: Path, folder: Path, scratch: Path, journal: Path | None = None) -> None:
        """`scratch` takes the shared block; it must not lie below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.journal = journal
        self._library = library
        self._path = scratch / f"control-{folder.name}"
        self._path.write_bytes(b"\0" * _SIZE)
        with self._path.open("r+b") as file:
            self._block = mmap.mmap(file.fileno(), _SIZE)

    def environment(self) -> dict[str, str]:
        """Variables that put the library below a process."""
        variables = {
            "LD_PRELOAD": str(self._library.resolve()),
            "PERIGEE_FAULTS_FOLDER": str(self.folder),
            "PERIGEE_FAULTS_CONTROL": str(self._path.resolve()),
        }
        if self.journal is not None:
            variables["PERIGEE_FAULTS_JOURNAL"] = str(self.journal.resolve())
        return variables

    def fail(self, at: int, families: Iterable[str] = ALL_WRITES, error: int = errno.EIO, mode: str = "once") -> None:
        """The `at`-th call from now of these families fails; 0: none does."""
        bits = sum(1 << FAMILIES.index(name) for name in families)
        struct.pack_into("<I", self._block, 8, 0)  # nothing fires between the two writes
        struct.pack_into("<II", self._block, 32, 0, 0)
        struct.pack_into("<I", self._block, 4, bits)
        struct.pack_into("<II", self._block, 12, error, MODES[mode])
        struct.pack_into("<I", self._block, 8, at)

    def heal(self) -> None:
        """Nothing fails and nothing waits any more."""
        struct.pack_into("<I", self._block, 8, 0)
        struct.pack_into("<I", self._block, 20, 0)

    def delay(self, seconds: float) -> None:
        """Each sync takes so much longer."""
        struct.pack_into("<I", self._block, 20, int(seconds * 1000))

    def step_clock(self, seconds: float) -> None:
        """The calendar's clock goes wrong by so much."""
        struct.pack_into("<q", self._block, 24, int(seconds * 1e9))

    @property
    def counted(self) -> int:
        """Calls of the families named last, since then."""
        return struct.unpack_from("<I", self._block, 32)[0]

    @property
    def injected(self) -> int:
        """Calls that failed since `fail`."""
        return struct.unpack_from("<I", self._block, 36)[0]

    @property
    def calls(self) -> dict[str, int]:
        """All calls so far by family."""
        return dict(zip(FAMILIES, struct.unpack_from(f"<{len(FAMILIES)}I", self._block, _CALLS), strict=True))

    @property
    def waiting(self) -> int:
        """Threads inside a delayed sync."""
        return struct.unpack_from("<I", self._block, _WAITING)[0]

    def journal_size(self) -> int:
        """Octets of the journal so far: a point in time that powercut.py understands."""
        if self.journal is None or not self.journal.exists():
            return 0
        return self.journal.stat().st_size

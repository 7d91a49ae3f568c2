"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoomError(OSError):
    """A file that does not fit; nothing of it is left."""


def write_durably(path: Path, octets: bytes) -> None:
    """Puts octets in place: written beside under another name, synced, renamed, the folder synced. Raises NoRoomError
    where the disk or a quota of the system is full; whatever goes wrong, what was at `path` stays as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb", buffering=0) as file:
            left = memoryview(octets)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        beside.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        if error.errno in FULL:
            raise NoRoomError(
                error.errno, f"no room for {len(octets)} octets: free some, or lower [products] quota_bytes", str(path)
            ) from error
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

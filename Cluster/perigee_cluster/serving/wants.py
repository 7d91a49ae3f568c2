"""Wants: what is asked of a station besides its stream, as files of the archive (Docs/gateway.md section 3)."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from pathlib import Path
from typing import Any

FILE_LIMIT = 4_096
LAYER_LIMIT = 255
_ID = re.compile(r"[0-9a-f]{8}")


class WantError(RuntimeError):
    """A want that cannot be left."""


class Wants:
    """The folder `wants` of an archive. The gateway takes files from there and writes what became of them."""

    def __init__(self, archive: Path) -> None:
        self._folder = archive / "wants"

    def leave(self, station: str, epoch: str, frame: int, layers: int, priority: int = 1) -> str:
        """Asks for the first `layers` layers of a frame; answers the id. One that is open already is not left twice."""
        if not 1 <= layers <= LAYER_LIMIT:
            raise ValueError(f"layers is {layers}, must be 1 to {LAYER_LIMIT}")
        known = self._all()
        for want_id, fields in known.items():
            same = (fields.get("station"), fields.get("epoch"), fields.get("frame")) == (station, epoch, frame)
            if same and fields.get("layers", 0) >= layers and fields.get("state") in ("open", "asked", "accepted"):
                return want_id
        if len(known) >= FILE_LIMIT:
            raise WantError(f"{FILE_LIMIT} wants are there: wait, or remove some with `perigee archive wants`")
        now = int(time.time() * 1_000)
        fields = {
            "station": station, "epoch": epoch, "priority": priority, "frame": frame, "layers": layers, "state": "open",
            "created_ms": now, "changed_ms": now, "packets": 0, "present_before": 0,
        }  # fmt: skip
        want_id = secrets.token_hex(4)
        while want_id in known:
            want_id = secrets.token_hex(4)
        self._write(want_id, json.dumps(fields, indent=2).encode() + b"\n")
        return want_id

    def find(self, want_id: str) -> dict[str, Any] | None:
        """What became of a want; None where there is none."""
        if _ID.fullmatch(want_id) is None:
            return None
        return _read(self._folder / f"{want_id}.json")

    def _all(self) -> dict[str, dict[str, Any]]:
        if not self._folder.is_dir():
            return {}
        paths = [path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem)]
        return {path.stem: fields for path in paths if (fields := _read(path)) is not None}

    def _write(self, want_id: str, octets: bytes) -> None:
        path = self._folder / f"{want_id}.json"
        beside = path.with_name(path.name + ".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            self._folder.mkdir(exist_ok=True)
            descriptor = os.open(beside, flags, 0o664)
            try:
                os.fchmod(descriptor, 0o664)  # the gateway may be another user than the service
                os.write(descriptor, octets)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            beside.rename(path)
        except OSError as error:
            raise WantError(f"{path}: {error.strerror}; the service's user must be able to write there") from error


def _read(path: Path) -> dict[str, Any] | None:
    try:
        fields = json.loads(path.read_bytes()[:8_192])
    except (OSError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None

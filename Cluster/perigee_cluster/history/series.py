"""Dates of one sensor on one window of ground: a Zarr group whose attributes hold the table of dates.

A date is written in this order: samples and mask into a slot that the table does not name, then the table. Zarr's local
store writes each file under another name and renames it, so after a crash the older table stands.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from perigee_cluster.archive.octets import crc32c
from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.history.record import DamagedHistoryError, Record

FORMAT = 1
SLOTS = 4_096
"""Dates of a series; what has no date takes no room."""
REMEDY = "`perigee-cluster history rebuild` makes it anew from packets"


class SeriesFullError(ValueError):
    """No slot is left."""


@dataclass(frozen=True)
class Kind:
    """What all dates of a series share."""

    sensor: str
    bands: tuple[Band, ...]
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    rows: int
    columns: int
    grid: Grid | None

    def to_json(self) -> dict[str, Any]:
        """For the attributes of a Zarr group."""
        return {
            "sensor": self.sensor,
            "bands": [vars(band) for band in self.bands],
            "dtype": self.dtype,
            "nodata": None if self.nodata is None else str(self.nodata),
            "scale": self.scale,
            "offset": self.offset,
            "rows": self.rows,
            "columns": self.columns,
            "proj:code": None if self.grid is None else self.grid.crs,
            "proj:transform": None if self.grid is None else list(self.grid.transform),
        }

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> Kind:
        """What `to_json` gave."""
        try:
            rows, columns, transform = fields["rows"], fields["columns"], fields["proj:transform"]
            return cls(
                sensor=fields["sensor"],
                bands=tuple(Band(**band) for band in fields["bands"]),
                dtype=np.dtype(fields["dtype"]).name,
                nodata=None if fields["nodata"] is None else float(fields["nodata"]),
                scale=fields["scale"],
                offset=fields["offset"],
                rows=rows,
                columns=columns,
                grid=None if transform is None else Grid(fields["proj:code"], tuple(transform), rows, columns),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedHistoryError(f"a series lacks {error}: {REMEDY}") from None

    @property
    def id(self) -> str:
        """Name of its folder: letters, digits and dashes of the sensor's name, and a digest of all fields."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.sensor.lower()).strip("-")[:32]
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
        return f"{slug or 'sensor'}_{digest[:16]}"


class Series:
    """One series on disk. Who writes holds the place's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        attributes = self._attributes()
        self.kind = Kind.of_json(attributes)
        self.records = [Record.of_json(fields) for fields in attributes.get("dates", [])]

    @classmethod
    def create(cls, folder: Path, kind: Kind) -> Series:
        """The series of a kind in a place's folder; a new one where there is none."""
        path = folder / kind.id
        if not _is_begun(path):
            shutil.rmtree(path, ignore_errors=True)  # what a crash left
            group = zarr.open_group(path, mode="w", zarr_format=3)
            shape = (len(kind.bands), kind.rows, kind.columns)
            for name, dtype in (("samples", kind.dtype), ("valid", "bool")):
                names = ["date", "band", "row", "column"]
                group.create_array(
                    name, shape=(SLOTS, *shape), chunks=(1, *shape), dtype=np.dtype(dtype), dimension_names=names
                )
            # the attributes come last: without them there is no series
            group.attrs.update({"perigee:history": FORMAT, **kind.to_json(), "dates": []})
        return cls(path)

    def _attributes(self) -> Mapping[str, Any]:
        try:
            fields = json.loads((self.path / "zarr.json").read_bytes())["attributes"]
            if fields["perigee:history"] != FORMAT:
                raise ValueError(f"format is {fields['perigee:history']}, must be {FORMAT}")
            return fields
        except FileNotFoundError:
            raise DamagedHistoryError(f"no series in {self.path}: {REMEDY}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedHistoryError(f"{self.path / 'zarr.json'}: {error}; {REMEDY}") from None

    def record(self, frame_id: str) -> Record | None:
        """The date of a frame."""
        return next((record for record in self.records if record.id == frame_id), None)

    def write(self, record: Record, samples: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Adds a date, or puts it in the place of an older state of the same frame."""
        taken = {known.slot for known in self.records}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        if slot >= SLOTS:
            raise SeriesFullError(f"{self.path} has {SLOTS} dates, it takes no more: build with --keep")
        for name, values in (("samples", samples), ("valid", valid)):
            _array(self.path / name)[slot] = values
        checksum = _checksum(samples, valid)
        others = [known for known in self.records if known.id != record.id]
        self._save([*others, replace(record, slot=slot, checksum=checksum)])

    def read(self, record: Record) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Samples [B, H, W] and mask of a date, proven by its checksum."""
        try:
            samples = np.asarray(_array(self.path / "samples")[record.slot])
            valid = np.asarray(_array(self.path / "valid")[record.slot])
        except Exception as error:  # whatever a codec or store says of octets that are no chunk
            raise DamagedHistoryError(f"{self.path}, frame {record.id}: {error}; {REMEDY}") from error
        if _checksum(samples, valid) != record.checksum:
            raise DamagedHistoryError(f"{self.path}, frame {record.id}: samples have another checksum; {REMEDY}")
        return samples, valid

    def drop(self, frame_ids: Sequence[str]) -> int:
        """Takes dates out, and then their chunks; answers how many."""
        gone = [record for record in self.records if record.id in set(frame_ids)]
        if gone:
            self._save([record for record in self.records if record not in gone])
        for record in gone:
            for name in ("samples", "valid"):
                (self.path / name / "c" / str(record.slot) / "0" / "0" / "0").unlink(missing_ok=True)
        return len(gone)

    def _save(self, records: list[Record]) -> None:
        """Replaces the table by renaming, as Zarr's store does with each file."""
        records = sorted(records, key=lambda record: (str(record.time), record.id))
        path = self.path / "zarr.json"
        group = json.loads(path.read_bytes())
        group["attributes"]["dates"] = [record.to_json() for record in records]
        beside = path.with_suffix(".partial")
        try:
            beside.write_text(json.dumps(group))
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        self.records = records


@lru_cache(maxsize=1_024)
def _array(path: Path) -> zarr.Array:
    """An array; its own metadata never change, so it is opened once."""
    return zarr.open_array(path, mode="r+", zarr_format=3)


def _is_begun(path: Path) -> bool:
    """Whether a series was made whole; one that is damaged since counts too."""
    try:
        return "perigee:history" in json.loads((path / "zarr.json").read_bytes())["attributes"]
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):
        return True


def _checksum(samples: NDArray[Any], valid: NDArray[np.bool_]) -> int:
    return crc32c(np.ascontiguousarray(samples).tobytes(), np.ascontiguousarray(valid).tobytes())

"""Writes and reads safetensors files: u64 size of a JSON header, the header, the numbers of all tensors without gaps.

Written here, in a few lines, because the octets must be the same on every run: names in order, no metadata, no padding
but the spaces that align the numbers to 8 octets.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

TYPES = {"F64": "<f8", "F32": "<f4", "I32": "<i4", "U32": "<u4", "I16": "<i2", "U16": "<u2", "U8": "|u1"}
NAMES = {np.dtype(code): name for name, code in TYPES.items()}

Tensors = Mapping[str, NDArray[np.generic]]


def pack(tensors: Tensors) -> bytes:
    """The octets of a file that holds `tensors`, ordered by name."""
    header: dict[str, object] = {}
    parts: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name])
        little = values.astype(values.dtype.newbyteorder("<"))
        if little.dtype not in NAMES:
            raise ValueError(f"tensor {name} is {values.dtype}, expected one of {', '.join(TYPES)}")
        parts.append(little.tobytes())
        header[name] = {
            "dtype": NAMES[little.dtype],
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(parts[-1])],
        }
        offset += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def parse(octets: bytes) -> dict[str, NDArray[np.generic]]:
    """The tensors of a file written by `pack` or by anyone else in the same types."""
    (size,) = struct.unpack_from("<Q", octets)
    header = json.loads(octets[8 : 8 + size])
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(octets[start:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors

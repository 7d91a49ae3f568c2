"""Prints a golden vector's reference as strict_paths.c reads it, or with `hash` the hash that the vector names.

Usage: reference_vector.py VECTOR [hash]. The vector has one part that lies on the frame, samples of uint16, nodata 0.
Docs/packet-format.md, sections 5.1, 5.3 and 5.12.
"""

import json
import struct
import sys
from pathlib import Path


def single(value: float) -> float:
    """Rounded to single precision."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def mean(wavelength: float, tensors: dict[str, list[float]]) -> float:
    """The model's mean of a band that lies at or between its wavelengths."""
    known, means = tensors["spectral/wavelengths"], tensors["spectral/mean"]
    value = single(wavelength)
    for place, other in enumerate(known):
        if abs(value - other) <= 1e-6:
            return means[place]
    place = max(index for index, other in enumerate(known) if other < value)
    t = (value - known[place]) / (known[place + 1] - known[place])
    return (1 - t) * means[place] + t * means[place + 1]


def text(path: Path) -> str:
    """Counts and a, then c of each band, then the samples; singles as hexadecimal digits."""
    vector = json.loads(path.read_text())
    tensors = json.loads((path.parent / "tensors.json").read_text())
    (part,) = vector["history"]["parts"]
    assert (vector["type"], vector["nodata"], part["row"], part["column"]) == ("uint16", 0, 0, 0)
    assert (part["rows"], part["columns"]) == (vector["rows"], vector["columns"])
    samples = bytes.fromhex(part["samples"])
    shifts = [single(-mean(band["wavelength"], tensors)) for band in vector["bands"]]
    lines = [
        (len(shifts), part["rows"], part["columns"], single(10_000 / vector["peak"]).hex()),
        [shift.hex() for shift in shifts],
        struct.unpack(f"<{len(samples) // 2}H", samples),
    ]
    return "\n".join(" ".join(map(str, line)) for line in lines)


if __name__ == "__main__":
    file = Path(sys.argv[1])
    found = json.loads(file.read_text())["history"]["hash"] if sys.argv[2:] == ["hash"] else text(file)
    sys.stdout.write(found + "\n")

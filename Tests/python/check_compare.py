"""Checks `perigee compare --json` against quality_reference.py on two GeoTIFF files, to 1e-6.

Samples are read by GDAL's own tools, not by Perigee. Prints what differs; exits 1 where anything does.

    check_compare.py PERIGEE SENSOR ORIGINAL.tif OTHER.tif
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from quality_reference import compare

TYPES = {"Byte": "u1", "UInt16": "<u2", "Int16": "<i2", "Int32": "<i4", "Float32": "<f4"}
# band names of the profiles: red, near infrared
NDVI_BANDS = {
    "sentinel-2-l2a": ("B04", "B08"),
    "sentinel-2-l1c": ("B04", "B08"),
    "naip": ("R", "N"),
    "landsat-7-etm": ("B3", "B4"),
}


def read(path: str) -> tuple[np.ndarray, list[str], float | None, tuple[float, float]]:
    """Samples `[B, R, C]`, band names, nodata, scale and offset."""
    info = json.loads(subprocess.run(["gdalinfo", "-json", path], check=True, capture_output=True).stdout)
    bands, (columns, rows) = info["bands"], info["size"]
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        command = ["gdal_translate", "-q", "-of", "ENVI", "-co", "INTERLEAVE=BSQ", path, str(raw)]
        subprocess.run(command, check=True, capture_output=True)
        samples = np.fromfile(raw, TYPES[bands[0]["type"]]).reshape(len(bands), rows, columns)
    nodata = bands[0].get("noDataValue")
    names = [band.get("description", "") for band in bands]
    return samples, names, nodata, (bands[0].get("scale", 0.0), bands[0].get("offset", 0.0))


def main() -> int:
    perigee, sensor, original_path, other_path = sys.argv[1:]
    command = [perigee, "compare", "--json", "--sensor", sensor, original_path, other_path]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    original, names, nodata, (scale, offset) = read(original_path)
    other = read(other_path)[0]
    if not scale:  # not said: the profile's, of which only the offset matters, and it is 0
        scale, offset = 1.0, 0.0
    red, nir = (names.index(name) if name in names else None for name in NDVI_BANDS.get(sensor, ("", "")))
    expected = compare(original, other, found["peak"], nodata, scale, offset, red, nir)
    expected["mse"] = expected.pop("mean_squared_error")
    wrong = 0
    for name, value in expected.items():
        ours = found.get(name)
        same = ours == value or (
            ours is not None and value is not None and abs(ours - value) <= 1e-6 * max(1.0, abs(value))
        )
        if not same:
            wrong += 1
            print(f"{name}: perigee says {ours}, Python {value}")
    print(json.dumps(expected))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

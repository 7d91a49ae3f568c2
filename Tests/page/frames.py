"""Sources of frames that the simulator makes."""

import datetime
import json
import re
import uuid
from itertools import cycle
from pathlib import Path

import numpy as np
import tifffile
import zmq

from faults.daemons import perigee

Frame = tuple[dict[str, object], bytes]


class Sensor:
    """One run of one sensor, frames over and over, to a PULL intake."""

    def __init__(self, name: str, endpoint: str, frames: list[Frame]) -> None:
        self.name = name
        self._run = str(uuid.uuid4())
        self._count = 0
        self._socket = zmq.Context.instance().socket(zmq.PUSH)
        self._socket.connect(endpoint)
        self._frames = cycle(frames)

    def send(self, taken: datetime.datetime | None = None, frame: Frame | None = None) -> None:
        """The next frame, or this one; taken now where nothing is said."""
        header, samples = frame or next(self._frames)
        taken = taken or datetime.datetime.now(datetime.UTC)
        words = {"v": 1, "kind": "frame", "sensor": self.name, "run": self._run, "seq": self._count}
        words["datetime"] = taken.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._socket.send_multipart([b"frame/", json.dumps(header | words).encode(), samples])
        self._count += 1

    def lose(self, count: int) -> None:
        """Frames that the station never sees."""
        self._count += count

    def close(self) -> None:
        self._socket.close(linger=0)


def simulated(sensor: str, folder: Path, *words: str) -> list[Frame]:
    """Frames of two places as a sensor sees them at six dates."""
    size = ("--rows", "192", "--columns", "192")
    perigee("simulate", "-o", str(folder), "--sensor", sensor, "--places", "2", "--visits", "6", *size, *words)
    return [described(path) for path in sorted(folder.glob("*.tif"))]


def described(path: Path) -> Frame:
    """Header and samples of one GeoTIFF, as Docs/frame-format.md wants them."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        samples = np.atleast_3d(page.asarray())
        geo = page.geotiff_tags
        bands = re.findall(r'role="description">([^<]+)<', page.tags["GDAL_METADATA"].value)
    west, north = geo["ModelTiepoint"][3:5]
    scale = geo["ModelPixelScale"][0]
    samples = np.ascontiguousarray(np.moveaxis(samples, -1, 0))
    return {
        "dtype": samples.dtype.str, "shape": list(samples.shape), "bands": bands,
        "proj:code": f"EPSG:{int(geo['ProjectedCSTypeGeoKey'])}",
        "proj:transform": [scale, 0, west, 0, -scale, north],
    }, samples.tobytes()  # fmt: skip

"""From an archive to figures: the cluster's own methods on what came, and the truth beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive import Archive, ArchivedFrame
from perigee_cluster.data.grid import Band
from perigee_cluster.demo.daemons import DemoError, home
from perigee_cluster.demo.passes import Scene
from perigee_cluster.evaluation.measures import Row, row
from perigee_cluster.evaluation.places import Date, Place
from perigee_cluster.history.clear import measured
from perigee_cluster.history.store import History
from perigee_cluster.products.make import ANY_DATE, DEPTH
from perigee_cluster.reconstruction import Deterministic, Reconstruction, Reconstructor, RegressProject, Request
from perigee_cluster.reconstruction.simple import Weighted, last_clear, seasonal_mean

LAST, MEAN = Weighted("last clear frame", last_clear), Weighted("seasonal mean", seasonal_mean)
RECEIVED: tuple[Reconstructor, ...] = (Deterministic(), RegressProject(), LAST, MEAN)
UNSEEN: tuple[Reconstructor, ...] = (ANY_DATE, LAST, MEAN)


@dataclass(frozen=True, eq=False)
class Answer:
    """One scene as it was sent, or was not, by all methods."""

    scene: Scene
    sent: str
    """`1000x with memory`; `not observed`."""
    octets: int
    """Of all its packets."""
    is_predicted: bool
    bands: tuple[Band, ...]
    original_BHW: NDArray[np.uint16]
    made: dict[str, Reconstruction]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, object]:
        """Without samples."""
        names = ("psnr", "ssim", "sam", "ndvi", "agreement", "coverage")
        methods = [{"method": one.method, **{name: _number(asdict(one)[name]) for name in names}} for one in self.rows]
        return {
            "place": self.scene.place, "date": self.scene.day, "sent": self.sent, "octets": self.octets,
            "predicted": self.is_predicted, "raw_octets": self.original_BHW.nbytes, "methods": methods,
        }  # fmt: skip


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value


def opened(folder: Path) -> Archive:
    """An archive with the firmware that the daemons had."""
    return Archive(folder, [home() / "Firmware"])


def find(frames: Iterable[ArchivedFrame], scene: Scene, time: np.datetime64 | None) -> ArchivedFrame:
    """The frame of a place, at a time or any."""
    for frame in frames:
        grid = frame.grid
        same = grid is not None and (grid.transform[2], grid.transform[5]) == (scene.x, scene.y)
        if same and frame.declaration is not None and time in (None, frame.time):
            return frame
    raise DemoError(f"{scene.file.name} is not in the archive: it needs a CRS and a transform")


def received(archive: Archive, history: History, scene: Scene, sent: str) -> Answer:
    """The last pass over a place, from its packets and the history."""
    frame = find(archive.frames(), scene, scene.time)
    declaration = frame.declaration
    assert declaration is not None  # or `find` had passed it over
    tokens = archive.tokens(frame)
    past = [] if frame.grid is None else history.frames(
        frame.grid, frame.time, DEPTH, without=frame.id, like=declaration
    )  # fmt: skip
    valid = measured(tokens.decode(), declaration.nodata)
    request = Request(tokens, frame.time, declaration.bands, past, frame.grid, None, valid)
    return _answer(scene, request, RECEIVED, sent, frame.octets, bool(frame.references))


def unseen(archive: Archive, history: History, scene: Scene) -> Answer:
    """A date of which no packet speaks."""
    like = find(archive.frames(), scene, None)
    declaration = like.declaration
    assert declaration is not None and like.grid is not None  # or `find` had passed it over
    past = history.frames(like.grid, scene.time, DEPTH, like=declaration)
    request = Request(None, scene.time, declaration.bands, past, like.grid, declaration.shape)
    return _answer(scene, request, UNSEEN, "not observed", 0, False)


def _answer(
    scene: Scene, request: Request, methods: Sequence[Reconstructor], sent: str, octets: int, is_predicted: bool
) -> Answer:
    original = np.maximum(scene.samples([band.name for band in request.bands]), 1)
    date = Date(scene.file.stem, scene.time, original)
    place = Place(scene.place, not scene.place.startswith("sim-"), request.bands, (date,))
    made = {method.name: method.reconstruct(request) for method in methods}
    rows = tuple(
        row(place, date, replace(one, method=name), ratio=0, depth=len(request.history), gap=sent)
        for name, one in made.items()
    )
    return Answer(scene, sent, octets, is_predicted, request.bands, original, made, rows)

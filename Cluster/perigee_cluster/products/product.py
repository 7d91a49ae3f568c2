"""A product: what was made of a frame's packets, by which method, and what it is called."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

import perigee_cluster
from perigee_cluster.archive import ArchivedFrame
from perigee_cluster.archive.content import Content
from perigee_cluster.archive.declaration import Declaration
from perigee_cluster.data.grid import Grid
from perigee_cluster.history.frame import Grade, HistoryFrame
from perigee_cluster.reconstruction import Reconstruction

METHOD_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,47}")
ASSETS = ("reconstruction", "deviation", "flags")
MEASURED = "deterministic"
"""The method whose products are nothing but the decode of packets."""
SOFTWARE = f"perigee_cluster {perigee_cluster.__version__}"


@dataclass(frozen=True)
class Past:
    """A frame of history that a method was given."""

    id: str
    time: np.datetime64 | None
    packet_ids: tuple[int, ...]
    decoder: str
    octets: int

    @classmethod
    def of(cls, frame: HistoryFrame) -> Past:
        """What of a frame says which one it is."""
        quality = frame.quality
        return cls(frame.id, frame.time, quality.packet_ids, quality.decoder, quality.octets)


@dataclass(frozen=True)
class Name:
    """Depends on nothing but identity, time and method, and on no text of a sender."""

    station: str
    epoch: str
    number: int
    time: np.datetime64 | None
    sensor: str
    method: str
    layers: int | None = None
    """The limit where fewer layers were asked for than are here: a product of its own."""

    def __post_init__(self) -> None:
        if METHOD_ID.fullmatch(self.method) is None:
            raise ValueError(f"method is {self.method!r}, must be 1 to 48 of a-z, 0-9, dot and dash")

    @property
    def frame(self) -> str:
        """`20180615T105401Z_000000000017`, as `perigee render` calls it."""
        moment = "undated" if self.time is None else str(self.time.astype("datetime64[s]"))
        return re.sub(r"[-:]", "", moment) + ("" if self.time is None else "Z") + f"_{self.number:012d}{self._part}"

    @property
    def item(self) -> str:
        """Identity of the STAC item; the same for all methods, each of which is a collection."""
        whole = self.frame.removesuffix(self._part)
        return f"{self.sensor}_{whole}_{self.epoch[:16]}{self._part}"

    @property
    def _part(self) -> str:
        return "" if self.layers is None else f"_layers{self.layers}"

    @property
    def folder(self) -> PurePosixPath:
        """Of the frame, below the folder of products."""
        return PurePosixPath(slug(self.station), self.epoch, self.frame)

    def asset(self, kind: str, version: str) -> str:
        """File of an asset. Each version has files of its own, so that an item never speaks of another one's."""
        return f"{self.method}-{version}-{kind}.tif"


def slug(text: str) -> str:
    """Lower-case letters, digits and dashes, at most 48."""
    return re.sub(r"[^a-z0-9-]", "-", text.lower())[:48] or "-"


@dataclass(frozen=True, eq=False)
class Product:
    """All that is filed of one reconstruction."""

    name: Name
    frame: ArchivedFrame
    declaration: Declaration
    content: Content
    made: Reconstruction
    valid_BHW: NDArray[np.bool_]
    history: tuple[Past, ...]
    """What the method was given; `made.used` names what it took."""
    version: str
    ground: Grid | None
    """Where it lies."""
    is_observed: bool = True
    """False: no packet speaks of this date; `frame` is then one of the sensor that it is drawn for."""

    @property
    def layers(self) -> int | None:
        """The limit where fewer layers were asked for than are here."""
        return self.name.layers

    @property
    def grade(self) -> Grade:
        """drawn: something in it was never received."""
        return "measured" if self.made.method == MEASURED else "drawn"


def version_of(content: Content, layers: int | None, history: Iterable[Past], method: str) -> str:
    """Twelve digits for (packets, history, method): equal ones give equal products."""
    past = sorted((one.id, one.packet_ids, one.decoder) for one in history)
    said = json.dumps([packets_of(content), layers, past, method, SOFTWARE])
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def packets_of(content: Content) -> str:
    """Twelve digits for the packets that were used."""
    said = json.dumps([content.packet_ids, [len(layer) for layer in content.layers]])
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def ranges(numbers: Iterable[int]) -> str:
    """`3-5,9`, as `perigee archive want --numbers` takes it."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)

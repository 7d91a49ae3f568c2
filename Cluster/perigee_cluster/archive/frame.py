"""A frame of the archive, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from perigee_cluster.archive.declaration import Declaration, Metadata, grid_of
from perigee_cluster.archive.index import FrameRow
from perigee_cluster.archive.places import PlacelessError, cells, name_id
from perigee_cluster.data.grid import Grid


class State(StrEnum):
    """What a frame is good for. All but `verbatim` and `refused` may change when more comes."""

    READY = "ready"
    """Its first layer is whole."""
    INCOMPLETE = "incomplete"
    """The declaration, part 0 or the rest of the first layer has not come."""
    WAITING_FOR_REFERENCE = "waiting_for_reference"
    """It is predicted from a frame that is not here, or not far enough."""
    REFERENCE_DIFFERS = "reference_differs"
    """What it is predicted from has another hash."""
    UNKNOWN_FIRMWARE = "unknown_firmware"
    """It is coded with a bundle that is not here."""
    DAMAGED = "damaged"
    """Its first packets do not lie whole in their segment."""
    REFUSED = "refused"
    """The octets are whole and mean nothing."""
    VERBATIM = "verbatim"
    """Samples without tokens: bands of classes, or of a sensor that no profile knows. `perigee render` writes them."""


class NotDecodableError(Exception):
    """A frame whose tokens cannot be had now."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


@dataclass(frozen=True)
class Cursor:
    """How far a reader has come: the number of a change, and the checksum of the packet that made it, by which a reader
    sees that an index was made anew with other numbers."""

    change: int
    checksum: int

    def __str__(self) -> str:
        return f"{self.change}-{self.checksum:08x}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """What `str` gave."""
        try:
            change, checksum = text.split("-")
            return cls(int(change), int(checksum, 16))
        except ValueError:
            raise ValueError(f"cursor is {text!r}, expected NUMBER-CHECKSUM: leave it out to start anew") from None


def frame_id(station: str, epoch: bytes, number: int) -> str:
    """STATION/EPOCH/NUMBER, as texts and histories name a frame."""
    return f"{station}/{epoch.hex()}/{number}"


@dataclass(frozen=True, eq=False)
class ArchivedFrame:
    """What declaration and part 0 say of a frame, and how much of it has come."""

    row: FrameRow
    cursor: Cursor
    """Where a reader goes on that is done with this frame and those before it."""
    state: State
    reason: str | None
    """Why it is not ready, with the remedy."""
    layers: int
    """That are whole, from the first on."""
    packet_ids: tuple[int, ...]
    """Numbers of its packets in the epoch."""
    octets: int
    """Of its packets, headers included."""
    declaration: Declaration | None = None
    metadata: Metadata | None = None

    @property
    def station(self) -> str:
        """Name of the station that sent it."""
        return self.row.station

    @property
    def epoch(self) -> bytes:
        """16 octets: one life of the station's numbering."""
        return self.row.epoch

    @property
    def number(self) -> int | None:
        """In the epoch; None without the declaration."""
        return None if self.declaration is None else self.declaration.base_frame + self.row.frame

    @property
    def id(self) -> str:
        """STATION/EPOCH/NUMBER."""
        if self.number is None:
            return f"{self.station}/{self.epoch.hex()}/?{self.row.frame}"
        return frame_id(self.station, self.epoch, self.number)

    @property
    def sensor(self) -> str | None:
        """Name of the profile."""
        return None if self.declaration is None else self.declaration.profile.name

    @property
    def time(self) -> np.datetime64 | None:
        """Of acquisition."""
        return None if self.metadata is None else self.metadata.time

    @property
    def grid(self) -> Grid | None:
        """Where its samples lie."""
        if self.declaration is None or self.metadata is None:
            return None
        return grid_of(self.declaration, self.metadata)

    @property
    def references(self) -> tuple[int, ...]:
        """Numbers of the frames that it is predicted from."""
        if self.metadata is None or self.number is None:
            return ()
        return tuple(self.number - back for back, _ in self.metadata.references)

    @property
    def replaces(self) -> tuple[bytes, int] | None:
        """Epoch and number of a frame of the same station that could not be decoded and that this one stands for."""
        if self.metadata is None or self.metadata.replaces is None or self.number is None:
            return None
        epoch, number = self.metadata.replaces
        return (self.epoch, self.number - number) if epoch is None else (epoch, number)

    @property
    def known_places(self) -> tuple[str, ...]:
        """Ids of the places that it shows, none where none can be told."""
        try:
            return self.places()
        except PlacelessError:
            return ()

    def places(self) -> tuple[str, ...]:
        """Ids of the places that it shows. Raises PlacelessError where none can be told."""
        grid = self.grid
        if grid is not None:
            try:
                return tuple(cell.id for cell in cells(grid))
            except PlacelessError:
                if self.metadata is None or self.metadata.place is None:
                    raise
        if self.metadata is None or self.metadata.place is None:
            raise PlacelessError(
                f"frame {self.id} has neither a grid with an origin nor a place: give the source one of them"
            )
        return (name_id(self.station, self.metadata.place),)

"""What is asked of a reconstruction and what it gives. Suffixes: B bands in sample order, H rows, W columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive.tokens import TokenStream
from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.history.frame import HistoryFrame


class Flag(IntFlag):
    """What a pixel rests on; bits of `Reconstruction.flags_HW`."""

    MEASURED = 1
    """Packets of this date speak of it."""
    HISTORY_DOMINATED = 2
    """More of the contrast around it comes from earlier dates than from packets of this one."""
    FALLBACK = 4
    """Its tile is the deterministic decode, since what was drawn from history left the received intervals."""
    FORECAST = 8
    """Nobody observed this date, and only earlier dates are known."""
    SMOOTHED = 16
    """Nobody observed this date; earlier and later dates are known."""
    NO_DATA = 32
    """No band has a value here."""


@dataclass(frozen=True)
class Agreement:
    """How many of the received intervals hold the strict coefficient of the product.

    `sent` counts the coefficients that are measurements and bounded; `held` those of them inside.
    """

    sent: int
    held: int

    @property
    def share(self) -> float:
        """Held of sent; 1 where nothing was sent."""
        return self.held / self.sent if self.sent else 1.0

    @property
    def is_whole(self) -> bool:
        """Whether nothing contradicts what was received."""
        return self.held == self.sent


@dataclass(frozen=True, eq=False)
class Request:
    """A date of a place, what was received of it (None: nobody observed it), and what is known of other dates.

    `history` need not be sorted; frames of other bands and grids serve where bands have about the same wavelengths and
    the CRS is the same, and are left out where not.
    """

    tokens: TokenStream | None
    time: np.datetime64 | None
    bands: tuple[Band, ...]
    history: Sequence[HistoryFrame] = ()
    grid: Grid | None = None
    shape: tuple[int, int, int] | None = None
    """[B, H, W]; needed only without tokens and history."""
    valid_BHW: NDArray[np.bool_] | None = None
    """The mask of the received frame, false at nodata; None: all valid."""

    def __post_init__(self) -> None:
        shape = self.size
        if len(self.bands) != shape[0]:
            raise ValueError(f"bands has {len(self.bands)} entries, the frame {shape[0]} bands: name each band once")
        if self.valid_BHW is not None and self.valid_BHW.shape != shape:
            raise ValueError(f"valid_BHW is {self.valid_BHW.shape}, the frame {shape}: give one value a sample")
        if self.grid is not None and (self.grid.rows, self.grid.columns) != shape[1:]:
            raise ValueError(f"grid is {self.grid.rows} x {self.grid.columns}, the frame {shape[1]} x {shape[2]}")

    @property
    def size(self) -> tuple[int, int, int]:
        """[B, H, W] of what is asked for."""
        if self.tokens is not None:
            return self.tokens.stream.shape
        if self.shape is not None:
            return self.shape
        if self.history:
            return (len(self.bands), *self.history[0].samples.shape[1:])  # type: ignore[return-value]
        raise ValueError("neither tokens, history nor shape are given: nothing says how large the frame is")


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A product, in the units of the stream (DN)."""

    samples_BHW: NDArray[np.float32]
    deviation_BHW: NDArray[np.float32]
    """One standard deviation; 1.645 of it to either side hold nine of ten true samples."""
    flags_HW: NDArray[np.uint8]
    """Bits of `Flag`."""
    agreement: Agreement
    used: tuple[str, ...] = ()
    """Ids of the frames of history that entered."""
    method: str = "deterministic"
    notes: tuple[str, ...] = field(default=())
    """Why something was left out or given up, one line each."""

    @property
    def is_fallback(self) -> bool:
        """Whether any tile fell back to the deterministic decode."""
        return bool((self.flags_HW & int(Flag.FALLBACK)).any())


class Reconstructor(Protocol):
    """Anything that makes a product of a request."""

    name: str

    def reconstruct(self, request: Request) -> Reconstruction:
        """The product; a ValueError says what the request lacks."""
        ...

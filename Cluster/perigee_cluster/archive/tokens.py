"""A frame as its packets tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from perigee_codec import Intervals, Reference, Stream


@dataclass(frozen=True, eq=False)
class TokenStream:
    """The tokens of one frame: its stream, the layers at hand (coarse to fine, the last one may be cut), and what
    the frame was predicted from (None of a plain frame)."""

    stream: Stream
    layers: tuple[bytes, ...]
    reference: Reference | None = None

    def decode(self) -> NDArray[Any]:
        """Samples [B, H, W] in the type of the stream."""
        return self.stream.decode(self.layers, reference=self.reference)

    def intervals(self) -> Intervals:
        """What the layers say of every coefficient."""
        return self.stream.intervals(self.layers, reference=self.reference)

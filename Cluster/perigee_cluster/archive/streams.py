"""Tokens of archived frames, with what they are predicted from: Docs/packet-format.md section 5.12."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive.content import Content
from perigee_cluster.archive.declaration import Declaration
from perigee_cluster.archive.frame import ArchivedFrame, NotDecodableError, State
from perigee_cluster.archive.tokens import TokenStream
from perigee_codec import CodecError, Part, Reference, Stream

if TYPE_CHECKING:
    from perigee_cluster.archive.reader import Archive

DEPTH_LIMIT = 8
"""How many predictions may stand behind each other."""
STREAM_LIMIT = 16
SAMPLES_LIMIT = 1 << 28
"""Octets of decoded references that are kept."""
OFFSET_LIMIT = 1 << 31


class Streams:
    """Opens streams and decodes references; keeps what it may soon need again."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._streams: OrderedDict[Any, Stream] = OrderedDict()
        self._decoded: OrderedDict[tuple[str, int], NDArray[Any]] = OrderedDict()

    def tokens(self, frame: ArchivedFrame, content: Content, layers: int | None = None) -> TokenStream:
        """The frame's tokens. Raises NotDecodableError."""
        reference = self._reference(frame, content, 0)
        return TokenStream(self._stream(frame), tuple(content.layers[:layers]), reference)

    def _reference(self, frame: ArchivedFrame, content: Content, depth: int) -> Reference | None:
        """`depth`: how many predictions lie between the frame that is wanted and this one."""
        metadata = content.metadata
        if metadata is None or not metadata.references or frame.number is None:
            return None
        if depth >= DEPTH_LIMIT:
            raise NotDecodableError(State.REFUSED, f"more than {DEPTH_LIMIT} predictions stand behind each other")
        parts = [
            part
            for back, layers in metadata.references
            if (part := self._part(frame, frame.number - back if back else None, layers, depth + 1)) is not None
        ]
        try:
            reference = self._stream(frame).reference(parts, metadata.mix)
        except CodecError as error:
            raise NotDecodableError(State.REFUSED, f"reference: {error}") from None
        if reference.hash != metadata.reference_hash:
            names = ", ".join(map(str, frame.references))
            reason = f"frames {names} make {reference.hash:08x}, must be {metadata.reference_hash:08x}"
            raise NotDecodableError(State.REFERENCE_DIFFERS, reason)
        return reference

    def _part(self, frame: ArchivedFrame, number: int | None, layers: int, depth: int) -> Part | None:
        if number is None:
            reason = "a frame of another epoch, which nothing but its hash names"
            raise NotDecodableError(State.WAITING_FOR_REFERENCE, reason)
        earlier = self._archive.frame(frame.station, frame.epoch, number)
        if earlier is None or earlier.number is None or earlier.declaration is None:
            raise NotDecodableError(State.WAITING_FOR_REFERENCE, f"frame {number} of the same epoch has not come")
        if earlier.layers < layers or earlier.state is not State.READY:
            reason = f"frame {number} is {earlier.state} with {earlier.layers} layers, {layers} must be whole"
            raise NotDecodableError(State.WAITING_FOR_REFERENCE, reason)
        offset = _offset(earlier, frame)
        if offset is None:
            return None
        return Part(self._stream(earlier), self._samples(earlier, layers, depth), *offset)

    def _samples(self, frame: ArchivedFrame, layers: int, depth: int) -> NDArray[Any]:
        key = (frame.id, layers)
        known = self._decoded.get(key)
        if known is not None:
            self._decoded.move_to_end(key)
            return known
        try:
            content = self._archive.content(frame)
        except NotDecodableError as error:
            raise NotDecodableError(State.WAITING_FOR_REFERENCE, f"frame {frame.number}: {error.reason}") from None
        if content.complete < layers:
            reason = f"frame {frame.number} has {content.complete} whole layers, {layers} must be: {content.damage}"
            raise NotDecodableError(State.WAITING_FOR_REFERENCE, reason)
        reference = self._reference(frame, content, depth)
        try:
            samples = self._stream(frame).decode(content.layers[:layers], reference=reference)
        except CodecError as error:
            raise NotDecodableError(State.REFUSED, f"frame {frame.number}: {error}") from None
        self._decoded[key] = samples
        while sum(kept.nbytes for kept in self._decoded.values()) > SAMPLES_LIMIT and len(self._decoded) > 1:
            self._decoded.popitem(last=False)
        return samples

    def _stream(self, frame: ArchivedFrame) -> Stream:
        declaration = frame.declaration
        if declaration is None:
            raise NotDecodableError(frame.state, frame.reason or "its declaration has not come")
        key = (declaration.firmware, frame.epoch, frame.row.declaration, frame.station)
        if key in self._streams:
            self._streams.move_to_end(key)
            return self._streams[key]
        try:
            stream = open_stream(declaration, self._archive)
        except CodecError as error:
            raise NotDecodableError(State.REFUSED, f"declaration: {error}") from None
        self._streams[key] = stream
        if len(self._streams) > STREAM_LIMIT:
            self._streams.popitem(last=False)
        return stream


def open_stream(declaration: Declaration, archive: Archive) -> Stream:
    """The codec's stream of a declaration."""
    profile = declaration.profile
    nodata: float | str = "none" if declaration.nodata is None else declaration.nodata
    return Stream(
        archive.firmware.bundle(declaration.firmware).model,
        profile.name if profile.definition is None else profile.definition,
        declaration.shape,
        bands=[band.name for band in declaration.bands],
        dtype=np.dtype(declaration.sample_type),
        nodata=nodata,
        scale=declaration.scale,
        offset=declaration.offset,
    )


def _offset(earlier: ArchivedFrame, frame: ArchivedFrame) -> tuple[int, int] | None:
    """Row and column of the earlier frame's first sample in `frame`; None where it says nothing of it."""
    first, second = earlier.declaration, frame.declaration
    then, now = earlier.metadata, frame.metadata
    if first is None or second is None or then is None or now is None:
        return None
    if then.origin is not None and now.origin is not None and first.crs is not None and second.matrix is not None:
        grid = frame.grid
        if (first.crs, first.matrix) != (second.crs, second.matrix) or grid is None or not grid.is_north_up:
            return None
        column = round((then.origin[0] - now.origin[0]) / second.matrix[0])
        row = round((then.origin[1] - now.origin[1]) / second.matrix[3])
        return (row, column) if max(abs(row), abs(column)) < OFFSET_LIMIT else None
    if then.origin is not None or now.origin is not None or now.place is None or now.place != then.place:
        return None
    return (0, 0) if (first.rows, first.columns) == (second.rows, second.columns) else None

"""Frames of a gateway's archive, read beside the gateway."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from perigee_cluster.archive.content import Content, read_content, whole
from perigee_cluster.archive.declaration import (
    Declaration,
    Metadata,
    UnknownFirmwareError,
    firmware_of,
    parse_declaration,
    parse_metadata,
)
from perigee_cluster.archive.firmware import Firmware
from perigee_cluster.archive.frame import ArchivedFrame, Cursor, NotDecodableError, State
from perigee_cluster.archive.index import FrameKey, FrameRow, Index, IndexSession, PacketPlace
from perigee_cluster.archive.octets import FormatError, Reader
from perigee_cluster.archive.segments import DamagedPacketError, Segments
from perigee_cluster.archive.streams import Streams
from perigee_cluster.archive.tokens import TokenStream

DECLARATION_LIMIT = 4_096
_REST = "the rest of the first layer has not come"
log = logging.getLogger(__name__)


class Archive:
    """Reads and never writes; several may read at once. One thread at a time uses one object."""

    def __init__(self, folder: Path, firmware: Sequence[Path], segments: str | None = None) -> None:
        """`folder`: the gateway's `[archive] directory`, on a local disk. `firmware`: bundles, or folders of bundles.
        `segments`: where the segments are, if not below `folder`: a folder or a URL that fsspec knows."""
        self.folder = folder
        self.firmware = Firmware(firmware)
        self.segments = Segments(segments or str(folder / "segments"))
        self._index = Index(folder)
        self._streams = Streams(self)
        self._declarations: dict[tuple[int, int], Declaration] = {}

    def frames(self, since: Cursor | None = None) -> Iterator[ArchivedFrame]:
        """Frames behind a cursor in the order in which they last changed; one comes again when more of it came. Ends
        where the archive ends: ask again later with the `cursor` of the last one."""
        with self._index.session() as session:
            change = self._start(session, since)
            while rows := session.changed_after(change):
                rows += session.tied(rows[-1])
                done = Cursor(change, session.fingerprint(change) or 0)
                for row, following in pairwise([*rows, None]):
                    # a late declaration changes many frames at once: a reader that stops among them reads all again
                    if following is None or following.changed != row.changed:
                        done = Cursor(row.changed, session.fingerprint(row.changed) or 0)
                    yield replace(self._frame(session, row), cursor=done)
                change = rows[-1].changed

    def frames_of(
        self, place: str | None, after: np.datetime64 | None = None, before: np.datetime64 | None = None
    ) -> Iterator[ArchivedFrame]:
        """Frames that show a place (None: any), acquired from `after` on and before `before`; undated ones only where
        neither is given. Looks at part 0 of every frame, since the index knows neither."""
        for frame in self.frames():
            if place is not None and place not in frame.known_places:
                continue
            if (after is not None or before is not None) and frame.time is None:
                continue
            if (after is None or frame.time >= after) and (before is None or frame.time < before):
                yield frame

    def frame(self, station: str, epoch: bytes, number: int) -> ArchivedFrame | None:
        """One frame by its identity; None where nothing of it has come."""
        with self._index.session() as session:
            return self._find(session, station, epoch, number)

    def again(self, key: FrameKey) -> ArchivedFrame | None:
        """A frame as the archive has it now, by its `row.key`; None where the index no longer knows it."""
        with self._index.session() as session:
            row = session.frame(key)
            return None if row is None else self._frame(session, row)

    def tokens(self, frame: ArchivedFrame, layers: int | None = None, content: Content | None = None) -> TokenStream:
        """The frame's packets as one token stream, with what it was predicted from; `layers`: the first so many;
        `content`: what was read of it already. Raises
        NotDecodableError, whose state says what it waits for."""
        return self._streams.tokens(frame, content or self.content(frame), layers)

    def content(self, frame: ArchivedFrame) -> Content:
        """What the frame's packets say, read anew. Raises NotDecodableError where they say nothing."""
        if frame.state is not State.READY or frame.declaration is None:
            raise NotDecodableError(frame.state, frame.reason or _REST)
        with self._index.session() as session:
            places = session.parts(frame.row)
        try:
            content = read_content(places, frame.declaration, self.segments)
        except FormatError as error:
            raise NotDecodableError(State.REFUSED, f"part 0: {error}") from None
        if content.complete == 0:
            raise NotDecodableError(State.DAMAGED if content.damage else State.INCOMPLETE, content.damage or _REST)
        if content.damage:
            log.warning("frame=%s counts up to a damaged packet: %s", frame.id, content.damage)
        return content

    def _start(self, session: IndexSession, since: Cursor | None) -> int:
        if since is None or since.change == 0:
            return 0
        if session.fingerprint(since.change) == since.checksum:
            return since.change
        log.warning("index=%s was made anew since cursor=%s: reading from the start", self._index.path, since)
        return 0

    def _find(self, session: IndexSession, station: str, epoch: bytes, number: int) -> ArchivedFrame | None:
        for _, declared, place in session.declarations(station, epoch):
            try:
                base = self._declaration(place).base_frame
            except NotDecodableError:
                continue
            found = session.frame(FrameKey(station, epoch, declared, number - base)) if number >= base else None
            if found is not None:
                return self._frame(session, found)
        return None

    def _declaration(self, place: PacketPlace) -> Declaration:
        """Records never change, so what a place meant once it means always."""
        key = (place.segment, place.offset)
        if key in self._declarations:
            return self._declarations[key]
        try:
            body = self.segments.packet(place.segment, place.offset, place.size).body
            declaration = parse_declaration(body, self.firmware.bundle(firmware_of(body)).profiles)
        except DamagedPacketError as error:
            raise NotDecodableError(State.DAMAGED, f"declaration: {error}") from None
        except UnknownFirmwareError as error:
            raise NotDecodableError(State.UNKNOWN_FIRMWARE, str(error)) from None
        except FormatError as error:
            raise NotDecodableError(State.REFUSED, f"declaration: {error}") from None
        if len(self._declarations) >= DECLARATION_LIMIT:
            self._declarations.clear()
        self._declarations[key] = declaration
        return declaration

    def _frame(self, session: IndexSession, row: FrameRow) -> ArchivedFrame:
        places = session.parts(row)
        cursor = Cursor(row.changed, session.fingerprint(row.changed) or 0)
        ids, octets = tuple(sorted(place.number for place in places)), sum(place.size for place in places)
        layers = whole(places)

        def known(
            state: State, reason: str | None, declaration: Declaration | None = None, metadata: Metadata | None = None
        ) -> ArchivedFrame:
            return ArchivedFrame(row, cursor, state, reason, layers, ids, octets, declaration, metadata)

        place = session.declaration(row)
        if place is None:
            return known(State.INCOMPLETE, f"declaration {row.declaration} has not come")
        try:
            declaration = self._declaration(place)
        except NotDecodableError as error:
            return known(error.state, error.reason)
        if not places or places[0].part != 0:
            return known(State.INCOMPLETE, "part 0 has not come", declaration)
        try:
            packet = self.segments.packet(places[0].segment, places[0].offset, places[0].size)
            metadata = parse_metadata(Reader(packet.body), declaration)
        except DamagedPacketError as error:
            return known(State.DAMAGED, str(error), declaration)
        except FormatError as error:
            return known(State.REFUSED, f"part 0: {error}", declaration)
        if declaration.is_verbatim:
            return known(State.VERBATIM, "samples without tokens: `perigee render` writes them", declaration, metadata)
        if layers == 0:
            return known(State.INCOMPLETE, _REST, declaration, metadata)
        return known(State.READY, None, declaration, metadata)

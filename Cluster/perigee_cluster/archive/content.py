"""What the packets of a frame say together, read from the segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from perigee_cluster.archive.declaration import Declaration, Metadata, parse_metadata
from perigee_cluster.archive.index import PacketPlace
from perigee_cluster.archive.octets import Reader
from perigee_cluster.archive.segments import DamagedPacketError, Segments

SIZE_LIMIT = 1 << 29
"""Octets of the packets of one frame."""
LAYER_LIMIT = 15


@dataclass
class Content:
    """Layers up to the first gap, the last of them may be cut; `damage` says what ended them where it was no gap."""

    metadata: Metadata | None = None
    layers: list[bytes] = field(default_factory=list)
    complete: int = 0
    packet_ids: list[int] = field(default_factory=list)
    octets: int = 0
    damage: str | None = None


def whole(places: Sequence[PacketPlace]) -> int:
    """How many layers are whole, from the first on."""
    complete = 0
    for part, place in enumerate(places):
        if place.part != part:
            break
        if place.is_last:
            complete = place.layer + 1
    return complete


def read_content(places: Sequence[PacketPlace], owner: Declaration, segments: Segments) -> Content:
    """Everything up to the first gap or damaged packet. Raises FormatError where metadata mean nothing."""
    content = Content()
    pieces: list[list[bytes]] = []
    used: list[PacketPlace] = []
    for part, place in enumerate(places):
        if place.part != part or place.layer >= LAYER_LIMIT or content.octets + place.size > SIZE_LIMIT:
            break
        try:
            packet = segments.packet(place.segment, place.offset, place.size)
        except DamagedPacketError as error:
            content.damage = str(error)
            break
        payload = packet.body
        if part == 0:
            reader = Reader(packet.body)
            content.metadata = parse_metadata(reader, owner)
            payload = reader.rest()
        while len(pieces) <= place.layer:
            pieces.append([])
        pieces[place.layer].append(payload)
        used.append(place)
        content.octets += place.size
    content.layers = [b"".join(layer) for layer in pieces]
    content.packet_ids = sorted(place.number for place in used)
    content.complete = whole(used)
    return content

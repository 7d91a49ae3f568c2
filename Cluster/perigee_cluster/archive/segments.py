"""Records of an archive's segments, on a local disk or any store that fsspec reaches."""

from __future__ import annotations

import fsspec

from perigee_cluster.archive.octets import FormatError
from perigee_cluster.archive.packets import RECORD_SIZES, Packet, parse_packet, parse_record

RECORD_LIMIT = RECORD_SIZES.stop + 3


class DamagedPacketError(ValueError):
    """A packet that the index knows and its segment does not hold whole."""


class Segments:
    """Reads packets by segment and offset. Segments grow at their end and change nowhere else."""

    def __init__(self, address: str) -> None:
        """`address`: a folder, or a URL of fsspec."""
        self.address = address
        self._files, self._folder = fsspec.url_to_fs(address)

    def packet(self, segment: int, offset: int, size: int) -> Packet:
        """The packet of `size` octets whose record begins at `offset`."""
        path = f"{self._folder}/{segment:08d}.seg"
        try:
            # a record is its packet and at most 72 octets more
            octets = self._files.cat_file(path, start=offset, end=offset + min(size + 96, RECORD_LIMIT))
        except FileNotFoundError:
            raise DamagedPacketError(
                f"segment {path} is missing: copy it back, then `perigee archive verify`"
            ) from None
        try:
            found = parse_record(octets)
            if len(found) != size:
                raise FormatError(f"packet has {len(found)} octets, the index says {size}")
            return parse_packet(found)
        except FormatError as error:
            text = f"segment {path} at {offset}: {error}; ask the station for it with `perigee archive want --numbers`"
            raise DamagedPacketError(text) from None

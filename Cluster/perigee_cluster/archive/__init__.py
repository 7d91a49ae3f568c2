"""The gateway's archive, read beside it: frames, their tokens, and what they were predicted from."""

from perigee_cluster.archive.frame import ArchivedFrame, Cursor, NotDecodableError, State
from perigee_cluster.archive.index import ArchiveError
from perigee_cluster.archive.places import Cell, PlacelessError
from perigee_cluster.archive.reader import Archive
from perigee_cluster.archive.tokens import TokenStream

__all__ = [
    "Archive",
    "ArchiveError",
    "ArchivedFrame",
    "Cell",
    "Cursor",
    "NotDecodableError",
    "PlacelessError",
    "State",
    "TokenStream",
]

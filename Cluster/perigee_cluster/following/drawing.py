"""A task's work without its queue and its shelf: done on any machine that reads the archive and the history."""

from __future__ import annotations

import time
from dataclasses import dataclass

from perigee_cluster.archive import Archive, ArchivedFrame, NotDecodableError
from perigee_cluster.archive.index import FrameKey
from perigee_cluster.history.build import RETRIED
from perigee_cluster.history.store import History
from perigee_cluster.products import make
from perigee_cluster.products.parcel import Parcel, parcel
from perigee_cluster.products.product import packets_of
from perigee_cluster.reconstruction.values import Agreement

METHOD = "method"
"""Reason: a method refuses the frame."""
LOST = "lost"
"""Reason: whoever was at it died, several times."""


@dataclass(frozen=True)
class Order:
    """What is to be drawn."""

    key: FrameKey
    method: str
    is_forced: bool
    """Although a product of the same packets is there: its history may be another."""
    filed: tuple[str, str] | None
    """Packets and version of the product that is there."""


@dataclass(frozen=True)
class Drawn:
    """A product, and what is counted of it."""

    parcel: Parcel
    made_by: str
    samples: int
    agreement: Agreement
    is_fallback: bool
    seconds: float


@dataclass(frozen=True)
class Same:
    """What is there need not be drawn again."""

    version: str


@dataclass(frozen=True)
class Refused:
    """Why nothing came of it."""

    reason: str
    text: str
    is_final: bool = False
    """Until more packets of the frame come."""


@dataclass(frozen=True)
class Gone:
    """The archive's index no longer knows the frame."""


Outcome = Drawn | Same | Refused | Gone


def draw(archive: Archive, history: History, order: Order) -> Outcome:
    """The frame as the archive has it now. Equal packets and history give equal octets, so it may be done twice."""
    started = time.monotonic()
    frame = archive.again(order.key)
    if frame is None:
        return Gone()
    try:
        return _drawn(archive, history, frame, order, started)
    except NotDecodableError as error:
        return Refused(str(error.state), error.reason, error.state not in RETRIED)
    except (ValueError, ArithmeticError, MemoryError, OSError) as error:
        # whatever a method says of one frame ends no other; the decode of its packets is a task of its own
        return Refused(METHOD, f"{type(error).__name__}: {error}")


def _drawn(archive: Archive, history: History, frame: ArchivedFrame, order: Order, started: float) -> Outcome:
    content = archive.content(frame)
    packets, version = order.filed or ("", "")
    if not order.is_forced and packets == packets_of(content):
        return Same(version)
    product = make(archive, history, frame, order.method, content=content)
    if product.version == version:
        return Same(version)
    made = product.made
    done, samples = parcel(product), product.valid_BHW.size
    return Drawn(done, made.method, samples, made.agreement, made.is_fallback, time.monotonic() - started)

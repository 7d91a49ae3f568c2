"""All codecs on one frame: a row for each codec, counting and ratio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perigee_codec import CodecError
from rd import cache, folds, library
from rd.peers import ALL, PAYLOAD, PEERS, Row, rows_of
from rd.perigee import Perigee
from rd.subjects import RATIOS, Subject, is_seen

SHIPPED = cache.ROOT / "Firmware" / "perigee-1"
PERIGEE, PREFIX = "perigee", "perigee-prefix"
T = TypeVar("T")


def bundle_of(subject: Subject) -> Path:
    """The bundle that codes a frame, which has not seen its place."""
    bundle = folds.bundle_without(subject.place) if subject.fold else SHIPPED
    if is_seen(subject, folds.training_files(bundle)):
        raise ValueError(f"{bundle.name} was fitted on {subject.place}: no figure of it can be reported")
    return bundle


def rows_of_subject(subject: Subject) -> list[Row]:
    """Every row of one frame, peers from the cache where it has them."""
    rows = [row for kind in PEERS for row in rows_of(subject, kind)] + perigee_rows(subject, bundle_of(subject))
    about: Row = {"set": subject.set_name, "place": subject.place, "frame": subject.name}
    found = []
    for row in rows:
        ratio = int(str(row["ratio"]))
        sizes = {"budget": subject.budget(ratio), "native_ratio": round(ratio / subject.native_share, 1)}
        found.append(about | row | sizes)
    return found


def perigee_rows(subject: Subject, bundle: Path) -> list[Row]:
    """Whole files by the binary; tokens alone through the library, of streams for each ratio and of one for all."""
    rows: list[Row] = []

    def add(codec: str, counting: str, ratio: int, found: tuple[NDArray[np.generic], int] | None) -> None:
        row: Row = {"codec": codec, "counting": counting, "ratio": ratio, "fits": found is not None}
        if found is not None:
            row |= {"octets": found[1]} | subject.quality(found[0].astype(np.float64))
        rows.append(row)

    with TemporaryDirectory(prefix="perigee-rd-") as scratch:
        program = Perigee(bundle, Path(scratch))
        for ratio in RATIOS:
            file = program.round_trip(subject.path, subject.sensor, subject.budget(ratio))
            add(PERIGEE, ALL, ratio, None if file is None else (file.reconstruction, file.octets))
    for ratio in RATIOS:
        tokens = _if_it_fits(lambda r=ratio: library.encoded_for(subject, bundle, r))
        add(PERIGEE, PAYLOAD, ratio, None if tokens is None else (tokens.samples, tokens.octets))
    whole = _if_it_fits(lambda: library.prefixes(subject, bundle)) or []
    for prefix in whole:
        add(PREFIX, PAYLOAD, prefix.ratio, (prefix.samples, prefix.octets) if prefix.octets else None)
    return rows


def _if_it_fits(encode: Callable[[], T]) -> T | None:
    try:
        return encode()
    except CodecError as error:
        if "smallest" not in str(error):
            raise
        return None

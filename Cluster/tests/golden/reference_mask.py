"""The validity mask of a tile, written from Docs/packet-format.md section 5.5 alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from reference_coder import Decoder

EARLIER = [(0, -2), (0, -1), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (-2, -1), (-2, 0), (-2, 1)]
BAND_BEFORE = [(0, 0), (0, 1), (1, 0)]


def decode_mask(decoder: Decoder, missing: NDArray[np.bool_]) -> None:
    """Fills `missing` [bands in coding order][rows][columns] of one tile; raises OutOfOctets where the octets end."""
    cells = [2097152 << 10] * (8 + (1 << 13))
    missing[...] = False
    if not decoder.direct(cells, 0):
        return
    if not decoder.direct(cells, 1):
        missing[...] = True
        return
    if not decoder.direct(cells, 2):
        bitmap(decoder, cells, missing[0], None, missing)
        return
    for band in range(len(missing)):
        if band and decoder.direct(cells, 3):
            missing[band] = missing[band - 1]
        elif decoder.direct(cells, 4):
            if decoder.direct(cells, 5):
                bitmap(decoder, cells, missing[band], missing[band - 1] if band else None, missing[band : band + 1])
            else:
                missing[band] = True


def bitmap(
    decoder: Decoder,
    cells: list[int],
    here: NDArray[np.bool_],
    before: NDArray[np.bool_] | None,
    targets: NDArray[np.bool_],
) -> None:
    """One bitmap, written to all of `targets`."""
    rows, columns = here.shape

    def bit(plane: NDArray[np.bool_] | None, y: int, x: int) -> int:
        return int(plane[y, x]) if plane is not None and 0 <= y < rows and 0 <= x < columns else 0

    for y in range(rows):
        for x in range(columns):
            context = 0
            for dy, dx in EARLIER:
                context = context << 1 | bit(here, y + dy, x + dx)
            for dy, dx in BAND_BEFORE:
                context = context << 1 | bit(before, y + dy, x + dx)
            targets[:, y, x] = bool(decoder.direct(cells, 8 + context))

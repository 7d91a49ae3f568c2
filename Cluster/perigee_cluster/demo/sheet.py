"""The picture of the demo: a row for each way in which the last pass was sent, a column for each thing made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from perigee_cluster.demo.measured import LAST, RECEIVED, UNSEEN, Answer
from perigee_cluster.metrics.quality import ndvi

Pixels = NDArray[np.uint8]

SIDE = 184
"""Of a tile, in pixels."""
GAP, TOP, LABEL, SMALL = 6, 40, 30, 12
COLUMNS = ("original", "deterministic", "reconstruction", "deviation", "change of NDVI")
VISIBLE = ("B04", "B03", "B02")
GAIN = 3
DEVIATION = 0.05
"""Reflectance at which the scale of deviations ends."""
CHANGE = 0.5
COLOURS = 256
PAPER, INK = (255, 255, 255), (30, 30, 30)


def draw(answers: Sequence[Answer], path: Path) -> None:
    """The first place: as it was sent without a memory, and at the date that nobody sent."""
    first = next(answer.scene.place for answer in answers)
    rows = [one for one in answers if one.scene.place == first and not one.sent.endswith("with memory")]
    width = GAP + len(COLUMNS) * (SIDE + GAP)
    sheet = Image.new("RGB", (width, TOP + len(rows) * (SIDE + LABEL + GAP)), PAPER)
    pen = ImageDraw.Draw(sheet)
    font, small = ImageFont.load_default(15), ImageFont.load_default(SMALL)
    for column, name in enumerate(COLUMNS):
        pen.text((GAP + column * (SIDE + GAP), TOP // 3), name, INK, font)
    for number, answer in enumerate(rows):
        top = TOP + number * (SIDE + LABEL + GAP)
        for column, (tile, text) in enumerate(_tiles(answer)):
            left = GAP + column * (SIDE + GAP)
            if tile is None:
                pen.rectangle((left, top, left + SIDE - 1, top + SIDE - 1), outline=INK)
            else:
                image = Image.fromarray(tile).resize((SIDE, SIDE), Image.Resampling.BOX)
                sheet.paste(image, (left, top))
            pen.text((left, top + SIDE + 4), text, INK, small)
    sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _tiles(answer: Answer) -> list[tuple[Pixels | None, str]]:
    """Colours and what stands below them."""
    bands = {band.name: number for number, band in enumerate(answer.bands)}
    visible = [bands[name] for name in VISIBLE]
    psnr = {row.method: row.psnr for row in answer.rows}

    def seen(samples: NDArray[np.generic]) -> Pixels:
        return _bytes(GAIN * samples[visible].astype(np.float32) / 10_000)

    is_received = answer.octets > 0
    best = (RECEIVED[1] if is_received else UNSEEN[0]).name
    made, last = answer.made[best], answer.made[LAST.name]
    plain = answer.made.get(RECEIVED[0].name)
    sent = answer.sent.split(" ")[0]
    spread = made.deviation_BHW[visible].mean(axis=0) / 10_000 / DEVIATION
    change = _ndvi(made.samples_BHW, bands) - _ndvi(last.samples_BHW, bands)
    return [
        (seen(answer.original_BHW), f"{answer.scene.place}, {answer.scene.day}"),
        (None, "nothing was sent")
        if plain is None
        else (seen(plain.samples_BHW), f"{sent}, {answer.octets:,} octets, {psnr[RECEIVED[0].name]:.1f} dB"),
        (seen(made.samples_BHW), f"{best}, {psnr[best]:.1f} dB"),
        (_bytes(np.stack([spread, spread**1.5, spread**3])), f"dark 0 to bright {DEVIATION} reflectance"),
        (_diverging(change / CHANGE), f"since the last clear frame, red -{CHANGE}"),
    ]


def _ndvi(samples_BHW: NDArray[np.float32], bands: dict[str, int]) -> NDArray[np.float64]:
    return ndvi(samples_BHW[[bands["B04"]]].astype(np.float64), samples_BHW[[bands["B08"]]].astype(np.float64))[0]


def _diverging(share_HW: NDArray[np.floating]) -> Pixels:
    """Red below, white at zero, green above."""
    loss, gain = np.clip(-share_HW, 0, 1), np.clip(share_HW, 0, 1)
    return _bytes(np.stack([1 - gain, 1 - loss, 1 - np.maximum(loss, gain)]))


def _bytes(planes_BHW: NDArray[np.floating]) -> Pixels:
    return np.ascontiguousarray(np.moveaxis(np.clip(255 * planes_BHW, 0, 255), 0, -1).astype(np.uint8))

"""Frames whose bases are turned: the codec against the decoder written from the document."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reference_container import Band, Declaration, Metadata, Profile, TokenFile
from reference_decoder import Firmware, decode_layers, safetensors

from perigee_cluster.training.safetensors import pack
from perigee_codec import Model, Stream

BUNDLE = Path(__file__).resolve().parents[3] / "Firmware" / "perigee-1" / "model.safetensors"
WAVELENGTHS = {"B02": 0.4966, "B03": 0.56, "B04": 0.6645, "B08": 0.8351, "B11": 1.6137}


def mixtures(rows: int, columns: int) -> np.ndarray:
    """Bands that vary together as no trained set knows, otherwise on the right half."""
    random = np.random.default_rng(4)
    sources = random.normal(size=(3, rows, columns)).cumsum(axis=1).cumsum(axis=2) / 8
    weights = 1 + 0.5 * random.normal(size=(2, len(WAVELENGTHS), 3))
    halves = [np.einsum("bs,srw->brw", w, s) for w, s in zip(weights, np.split(sources, 2, axis=2), strict=True)]
    return np.clip(2500 + np.concatenate(halves, axis=2) * 40, 1, 9999).astype(np.uint16)


@pytest.mark.parametrize(("rows", "columns"), [(40, 56), (20, 1024)])
def test_turned_bases_decode_alike_at_every_layer(rows: int, columns: int) -> None:
    tensors = dict(safetensors(BUNDLE.read_bytes())) | {"spectral/rotation_efficiency": np.array([0.577])}
    bands = [{"name": name, "centerWavelength": at, "groundSamplingDistance": 10} for name, at in WAVELENGTHS.items()]
    profile = {"name": "five", "sampleType": "uint16", "peak": 10000, "scale": 1, "offset": 0, "bands": bands}
    samples = mixtures(rows, columns)
    stream = Stream(Model.parse(pack(tensors)), profile, samples.shape, nodata="none")
    layers = stream.encode(samples, [samples.nbytes // 200, samples.nbytes // 60, samples.nbytes // 15])
    assert next(layer for layer in layers if layer)[0] & 32
    known = [Band(name, at, 10.0) for name, at in WAVELENGTHS.items()]
    declared = Declaration(
        0, Profile("five", "uint16", 10000.0, 1.0, 0.0, None, known), list(range(5)), rows, columns, "uint16", None,
        1.0, 0.0,
    )  # fmt: skip
    firmware = Firmware.of(0, [], tensors)
    for count in (1, 2, 3):
        file = TokenFile(b"", declared, 0, Metadata(), layers[:count])
        assert np.array_equal(decode_layers(file, firmware), stream.decode(layers[:count]))

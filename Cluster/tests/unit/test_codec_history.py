"""References and predicted frames through libPerigeeC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import perigee_codec
from perigee_codec import CodecError, Model, Part, Reference, Stream, library_path

ROOT = Path(__file__).resolve().parents[3]


def _built() -> bool:
    try:
        return library_path().is_file()
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not _built(), reason="libPerigeeC.so is not built")
BANDS = ["B08", "B02", "B04"]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(ROOT / "Firmware" / "perigee-1")


def open_stream(model: Model, rows: int = 40, columns: int = 48, bands: list[str] = BANDS, **options: str) -> Stream:
    return Stream(model, "sentinel-2-l2a", (len(bands), rows, columns), bands=bands, **options)


def visits(count: int = 2, shape: tuple[int, int, int] = (3, 40, 48)) -> list[np.ndarray]:
    """The same rough ground under other light, with other noise."""
    random = np.random.default_rng(3)
    ground = 2_500 + 500 * random.normal(size=shape[1:]) * (1 + 0.2 * random.normal(size=(shape[0], 1, 1)))
    days = [ground * (1 + 0.03 * day) + random.normal(0, 9, shape) for day in range(count)]
    return [np.clip(day, 1, 9_999).astype(np.uint16) for day in days]


def error(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean((first.astype(float) - second) ** 2))


def test_a_frame_seen_before_comes_nearer_for_the_same_octets(model: Model) -> None:
    stream, (old, new) = open_stream(model), visits()
    reference = stream.reference([Part(stream, old)])
    budget = new.nbytes // 40
    plain, layers = stream.encode(new, [budget]), stream.encode(new, [budget], reference=reference)
    assert (plain.is_predicted, layers.is_predicted) == (False, True)
    decoded = stream.decode(layers, reference=reference)
    assert error(decoded, new) < 0.5 * error(stream.decode(plain), new)
    window = stream.decode(layers, window=(5, 7, 20, 11), reference=reference)
    assert np.array_equal(window, decoded[:, 7:18, 5:25])
    # layers are a list like any other
    assert layers == [bytes(layer) for layer in layers]
    assert error(stream.decode(layers), new) > error(decoded, new)


def test_intervals_of_a_predicted_frame_hold_its_coefficients(model: Model) -> None:
    stream, (old, new) = open_stream(model), visits()
    reference = stream.reference([Part(stream, old)])
    layers = stream.encode(new, [200, 900], reference=reference)
    for count in (0, 1, 2):
        known = stream.intervals(layers[:count], reference=reference)
        coefficients, _ = stream.forward(new, choice=known.choice)
        assert known.contain(coefficients).all()
    assert np.median(known.width_KHW) < 2_000


def test_bounded_and_lossless_frames_with_a_reference(model: Model) -> None:
    stream, (old, new) = open_stream(model), visits()
    reference = stream.reference([Part(stream, old)])
    for bound in (0, 7):
        layers = stream.encode(new, [400], max_error=bound, reference=reference)
        assert layers.is_predicted
        decoded = stream.decode(layers, reference=reference).astype(int)
        assert np.abs(decoded - new).max() <= bound


def test_a_reference_of_no_use_changes_no_octet(model: Model) -> None:
    stream, (_, new) = open_stream(model), visits()
    noise = np.random.default_rng(1).integers(1, 9_999, new.shape).astype(np.uint16)
    layers = stream.encode(new, [300, 1_000], reference=stream.reference([Part(stream, noise)]))
    assert not layers.is_predicted
    assert layers == stream.encode(new, [300, 1_000])


def test_the_hash_names_what_the_parts_say_of_the_ground(model: Model) -> None:
    stream, (old, new) = open_stream(model), visits()
    whole = stream.reference([Part(stream, old)])
    assert whole.hash == stream.reference([Part(stream, old), Part(stream, new)]).hash
    assert whole.hash == stream.reference([Part(stream, new, row=1 << 62), Part(stream, old)]).hash
    assert whole.hash != stream.reference([Part(stream, old, column=1)]).hash
    # what two halves on grids of their own cover
    left, right = open_stream(model, columns=20), open_stream(model, rows=60, columns=40)
    wide = np.zeros((3, 60, 40), np.uint16)
    wide[:, 8:48, 5:33] = old[:, :, 20:]
    halves = [Part(right, wide, row=-8, column=15), Part(left, np.ascontiguousarray(old[:, :, :20]))]
    assert stream.reference(halves).hash == whole.hash


def test_bands_are_found_by_their_names(model: Model) -> None:
    stream, (old, _) = open_stream(model), visits()
    order = [2, 0, 1]
    other = open_stream(model, bands=[BANDS[i] for i in order])
    assert stream.reference([Part(other, old[order])]).hash == stream.reference([Part(stream, old)]).hash


def test_what_is_wrong_is_said_by_name(model: Model) -> None:
    stream, (old, new) = open_stream(model), visits()
    part = Part(stream, old)
    with pytest.raises(CodecError, match="1 to 4 frames, not 5"):
        stream.reference([part] * 5)
    with pytest.raises(CodecError, match="samples are uint16"):
        stream.reference([Part(stream, old[:, :-1])])
    with pytest.raises(CodecError, match="row"):
        stream.reference([Part(stream, old, row=1 << 63)])
    with pytest.raises(CodecError, match="column"):
        stream.reference([Part(stream, old, column=-(1 << 63) - 1)])
    small = open_stream(model, rows=39)
    reference = small.reference([part])
    for call in (stream.decode, stream.intervals):
        with pytest.raises(CodecError, match="reference"):
            call([b"\x0e"], reference=reference)
    with pytest.raises(CodecError, match="reference"):
        stream.encode(new, [400], reference=reference)


def test_references_outlive_what_they_were_made_from(model: Model) -> None:
    old, new = visits()

    def make() -> Reference:
        stream = open_stream(model)
        return stream.reference([Part(stream, old)])

    reference, stream = make(), open_stream(model)
    layers = stream.encode(new, [400], reference=reference)
    assert layers.is_predicted
    assert np.array_equal(
        stream.decode(layers, reference=reference),
        stream.decode(layers, reference=stream.reference([Part(stream, old)])),
    )


def test_names_are_those_of_the_package() -> None:
    assert {"Layers", "Part", "Reference"} <= set(perigee_codec.__all__)

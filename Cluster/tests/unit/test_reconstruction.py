"""Reconstructions agree with every interval that was received, and history that is wrong costs next to nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from perigee_cluster.archive.tokens import TokenStream
from perigee_cluster.data.grid import Band
from perigee_cluster.data.splits import load_splits
from perigee_cluster.evaluation.cases import Case, Coder
from perigee_cluster.evaluation.places import PEAK, profile_bands, real
from perigee_cluster.history.frame import HistoryFrame, Quality
from perigee_cluster.metrics.quality import psnr
from perigee_cluster.reconstruction import AnyDate, Deterministic, Flag, RegressProject, Request
from perigee_cluster.reconstruction.projection import agreement, project
from perigee_codec import Model, Part, Stream

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("B02", "B03", "B04", "B08")
BANDS = profile_bands(NAMES)
DAY = np.timedelta64(1, "D")
START = np.datetime64("2024-06-01T10:30:00", "ms")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(ROOT / "Firmware" / "perigee-1")


def ground(rows: int, columns: int, seed: int) -> NDArray[np.float64]:
    """Fields with edges and texture, [bands, rows, columns]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    turn = random.uniform(0.4, 1.2)
    fields = random.random((64, 64))[((y + turn * x) // 13 % 64).astype(int), ((x - 0.5 * y) // 17 % 64).astype(int)]
    texture = random.normal(0, 1, (rows, columns))
    bands = [0.05 + 0.04 * band + 0.1 * fields * (1 + band) + 0.006 * texture for band in range(len(NAMES))]
    return 4_000 * np.stack(bands)


def visits(count: int, shape: tuple[int, int], seed: int) -> list[NDArray[np.uint16]]:
    """The same ground on several days: light, greenness and noise differ."""
    random = np.random.default_rng(seed + 1_000)
    base = ground(*shape, seed)
    made = []
    for day in range(count):
        light = 1 + 0.04 * day + random.normal(0, 0.01)
        green = np.array([1, 1, 1 - 0.05 * day, 1 + 0.08 * day])[:, None, None]
        made.append(np.clip(np.rint(base * light * green + random.normal(0, 8, base.shape)), 1, 9_999))
    return [day.astype(np.uint16) for day in made]


def remembered(
    samples: NDArray[np.generic], number: int, bands: tuple[Band, ...] = BANDS, valid: NDArray[np.bool_] | None = None
) -> HistoryFrame:
    mask = np.ones(samples.shape, np.bool_) if valid is None else valid
    quality = Quality(1_000, 1, 500.0, 1.0, (), "test", 0)
    return HistoryFrame(
        f"station/1/{number}", samples.astype(np.float32), mask, START + number * 10 * DAY, "sentinel-2-l2a", bands,
        None, quality,
    )  # fmt: skip


def received(model: Model, samples: NDArray[np.uint16], ratio: int, nodata: float | str = "none") -> TokenStream:
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=NAMES, nodata=nodata)  # type: ignore[arg-type]
    return TokenStream(stream, tuple(stream.encode(samples, [max(samples.nbytes // ratio, 24)])))


def asked(model: Model, days: list[NDArray[np.uint16]], ratio: int) -> Request:
    """The last of the days received, those before it known."""
    history = [remembered(day, number) for number, day in enumerate(days[:-1])]
    return Request(received(model, days[-1], ratio), START + (len(days) - 1) * 10 * DAY, BANDS, history)


@pytest.mark.parametrize("ratio", [300, 1_000, 3_000])
def test_history_of_the_place_brings_the_frame_nearer(model: Model, ratio: int) -> None:
    days = visits(5, (128, 120), 3)
    request = asked(model, days, ratio)
    made, plain = RegressProject().reconstruct(request), Deterministic().reconstruct(request)
    assert made.agreement.is_whole
    assert made.used == tuple(f"station/1/{number}" for number in range(4))
    assert psnr(days[-1], made.samples_BHW, PEAK) > psnr(days[-1], plain.samples_BHW, PEAK) + 1
    assert (made.flags_HW & int(Flag.MEASURED)).all()
    if ratio == 3_000:
        assert (made.flags_HW & int(Flag.HISTORY_DOMINATED)).any()


@pytest.mark.parametrize("seed", range(8))
def test_products_agree_with_all_that_was_received_whatever_history_says(model: Model, seed: int) -> None:
    """Sizes, ratios, depth and histories at random, wild ones among them."""
    random = np.random.default_rng(seed)
    shape = [(64, 64), (33, 90), (1, 70), (128, 128), (17, 5), (2, 2), (130, 61), (80, 1)][seed]
    days = visits(int(random.integers(2, 6)), shape, seed)
    if seed % 2:
        wild = random.integers(0, 65_535, days[0].shape).astype(np.uint16)
        days = [*(wild if number % 2 else day for number, day in enumerate(days[:-1])), days[-1]]
    for ratio in (80, 700, 5_000):
        request = asked(model, days, ratio)
        made = RegressProject().reconstruct(request)
        assert request.tokens is not None
        assert made.agreement.is_whole, f"seed {seed}, {ratio}x: {made.agreement}"
        strict = agreement(request.tokens, request.tokens.intervals(), made.samples_BHW.astype(np.uint16))
        assert strict.is_whole
        assert np.isfinite(made.samples_BHW).all()
        assert (made.deviation_BHW >= 0).all()
        assert np.array_equal(made.samples_BHW, np.rint(made.samples_BHW))
        assert not made.is_fallback or seed % 2


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_other_sample_types_agree_too(model: Model, dtype: str) -> None:
    """A DN of eight bits is forty units of a coefficient: rounding must not leave the intervals."""
    bands = tuple(Band(str(number)) for number in range(4))
    profile = {
        "name": "other", "sampleType": dtype, "peak": 255 if dtype == "uint8" else 1,
        "bands": [{"name": band.name} for band in bands],
    }  # fmt: skip
    divisor = 40 if dtype == "uint8" else 10_000
    days = [day / divisor for day in visits(4, (96, 80), 6)]
    days = [(np.rint(day) if dtype == "uint8" else day).astype(dtype) for day in days]
    stream = Stream(model, profile, days[0].shape, dtype=dtype, nodata="none")
    for size in (80, 400, 1_500):
        tokens = TokenStream(stream, tuple(stream.encode(days[3], [size])))
        history = [remembered(day, number, bands) for number, day in enumerate(days[:3])]
        made = RegressProject().reconstruct(Request(tokens, START + 30 * DAY, bands, history))
        assert made.agreement.is_whole
        error, plain = (np.mean((day - days[3]) ** 2) for day in (made.samples_BHW, tokens.decode().astype(float)))
        assert error <= 1.03 * plain
        assert not made.is_fallback


@pytest.mark.parametrize("seed", range(4))
def test_wrong_history_costs_next_to_nothing(model: Model, seed: int) -> None:
    days, others = visits(5, (128, 128), seed), visits(5, (128, 128), seed + 50)
    for ratio in (1_000, 3_000):
        request = asked(model, [*others[:4], days[-1]], ratio)
        made, plain = RegressProject().reconstruct(request), Deterministic().reconstruct(request)
        loss = psnr(days[-1], plain.samples_BHW, PEAK) - psnr(days[-1], made.samples_BHW, PEAK)
        assert loss <= 0.1, f"seed {seed}, {ratio}x: {loss:.2f} dB"


def test_the_projection_leaves_no_interval_and_says_where_it_gave_up(model: Model) -> None:
    day = visits(1, (96, 96), 7)[0]
    tokens = received(model, day, 500)
    known, decoded = tokens.intervals(), tokens.decode()
    wanted = np.random.default_rng(1).normal(0, 4_000, tokens.stream.shape).astype(np.float32)
    projected = project(tokens, known, wanted, decoded, None)
    strict, _ = tokens.stream.forward(projected.samples_BHW, choice=known.choice)  # type: ignore[arg-type]
    assert projected.agreement.is_whole
    assert known.contain(strict)[known.is_measurement_KHW].all()
    # what cannot be had: everything black, far below what samples can be
    black = project(tokens, known, np.full(tokens.stream.shape, -1e7, np.float32), decoded, None)
    assert black.agreement.is_whole
    if black.fallen.any():
        assert np.array_equal(black.samples_BHW, decoded)


def test_a_predicted_frame_loses_nothing(model: Model) -> None:
    """Memory at both ends has said it all: what history adds must not spoil it."""
    days = visits(5, (128, 128), 11)
    stream = Stream(model, "sentinel-2-l2a", days[0].shape, bands=NAMES, nodata="none")
    reference = stream.reference([Part(stream, days[3])])
    for ratio in (1_000, 3_000):
        layers = stream.encode(days[4], [days[4].nbytes // ratio], reference=reference)
        assert layers.is_predicted
        history = [remembered(day, number) for number, day in enumerate(days[:4])]
        request = Request(TokenStream(stream, tuple(layers), reference), START + 40 * DAY, BANDS, history)
        made, plain = RegressProject().reconstruct(request), Deterministic().reconstruct(request)
        assert made.agreement.is_whole
        assert psnr(days[4], made.samples_BHW, PEAK) > psnr(days[4], plain.samples_BHW, PEAK) - 0.05


def test_nodata_stays_where_it_is_and_clouds_in_history_are_not_believed(model: Model) -> None:
    days = visits(5, (96, 100), 5)
    holes = np.zeros((96, 100), np.bool_)
    holes[10:30, 40:70] = True
    target = np.where(holes, 0, days[4]).astype(np.uint16)
    tokens = received(model, target, 500, 0)
    cloudy = days[3].copy()
    cloudy[:, 50:90, 10:60] = 9_000
    mask = np.ones(cloudy.shape, np.bool_)
    mask[:, 50:90, 10:60] = False
    history = [*(remembered(day, number) for number, day in enumerate(days[:3])), remembered(cloudy, 3, valid=mask)]
    valid = np.broadcast_to(~holes, target.shape)
    request = Request(tokens, START + 40 * DAY, BANDS, history, valid_BHW=valid)
    made, plain = RegressProject().reconstruct(request), Deterministic().reconstruct(request)
    assert made.agreement.is_whole
    assert (made.samples_BHW[:, holes] == 0).all()
    assert (made.flags_HW[holes] == Flag.NO_DATA).all()
    known = ~holes
    gain = psnr(days[4][:, known], made.samples_BHW[:, known], PEAK) - psnr(
        days[4][:, known], plain.samples_BHW[:, known], PEAK
    )
    assert gain > 0.5
    under = psnr(days[4][:, 50:90, 10:60], made.samples_BHW[:, 50:90, 10:60], PEAK)
    assert under > psnr(days[4][:, 50:90, 10:60], plain.samples_BHW[:, 50:90, 10:60], PEAK) - 0.1


def test_what_cannot_serve_is_left_out_and_the_decode_is_the_answer(model: Model) -> None:
    days = visits(2, (64, 64), 2)
    request = asked(model, days, 700)
    assert request.tokens is not None
    plain = request.tokens.decode()
    frame = request.history[0]
    thermal = (Band("T10", 10.9), Band("T11", 12.0), Band("T12", 12.5), Band("T13", 13.0))
    for useless in (
        [],
        [replace(frame, grade="drawn")],
        [replace(frame, samples=frame.samples[:, :50], valid=frame.valid[:, :50])],
        [replace(frame, bands=thermal)],
        [replace(frame, valid=np.zeros_like(frame.valid))],
    ):
        made = RegressProject().reconstruct(replace(request, history=useless))
        assert made.method == "deterministic"
        assert made.used == ()
        assert np.array_equal(made.samples_BHW, plain)
    fine = replace(request, tokens=received(model, days[1], 20))
    assert RegressProject().reconstruct(fine).method == "deterministic"


def test_a_frame_whose_bases_later_layers_may_turn_is_the_decode(model: Model) -> None:
    days = visits(5, (128, 120), 3)
    request = asked(model, days, 1_000)
    assert request.tokens is not None
    stream, raw = request.tokens.stream, days[-1].nbytes
    first = stream.encode(days[-1], [raw // 1_000, raw // 300])[:1]
    made = RegressProject().reconstruct(replace(request, tokens=TokenStream(stream, tuple(first))))
    assert made.method == "deterministic"
    assert "turn the bases" in made.notes[0]


def test_bad_requests_are_said_by_name(model: Model) -> None:
    days = visits(2, (64, 64), 2)
    request = asked(model, days, 700)
    with pytest.raises(ValueError, match="tokens is None"):
        RegressProject().reconstruct(replace(request, tokens=None))
    with pytest.raises(ValueError, match="bands has 3 entries"):
        replace(request, bands=BANDS[:3])
    with pytest.raises(ValueError, match="valid_BHW"):
        replace(request, valid_BHW=np.ones((1, 2, 3), np.bool_))
    with pytest.raises(ValueError, match="time is None"):
        AnyDate().reconstruct(replace(request, time=None))
    with pytest.raises(ValueError, match="no dated frame"):
        AnyDate().reconstruct(replace(request, tokens=None, history=(), shape=(4, 64, 64)))
    with pytest.raises(ValueError, match="nothing says how large"):
        Request(None, START, BANDS)


def test_real_frames_agree_and_gain(model: Model, data: Path) -> None:
    """Validation places only, and few of their dates."""
    splits = load_splits()
    gains = []
    for place in real("validation"):
        assert splits.role(place.name) == "validation"
        if place.name == "bouconne":
            continue
        coder = Coder(model, place)
        target = 3 if not place.has_times else 20
        history = (0, 1, 2) if not place.has_times else (19, 18, 17, 16)
        for ratio in (1_000, 10_000):
            request = coder.request(Case(place, target, ratio, len(history), "", history))
            assert request is not None
            made, plain = RegressProject().reconstruct(request), Deterministic().reconstruct(request)
            assert made.agreement.is_whole
            assert plain.agreement.is_whole
            original = place.dates[target].samples_BHW
            gains.append(psnr(original, made.samples_BHW, PEAK) - psnr(original, plain.samples_BHW, PEAK))
    assert min(gains) > -0.5
    assert np.mean(gains) > 0.3

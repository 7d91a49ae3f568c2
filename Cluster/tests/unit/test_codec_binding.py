"""libPerigeeC through NumPy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from perigee_cluster.data.frames import read_frame
from perigee_cluster.training import safetensors
from perigee_codec import CodecError, Model, Stream, Trainer, library_path, prefix
from perigee_codec.binding import call

ROOT = Path(__file__).resolve().parents[3]


def _built() -> bool:
    try:
        return library_path().is_file()
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not _built(), reason="libPerigeeC.so is not built")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(next(path.parent for path in sorted(ROOT.glob("Firmware/*/manifest.json"))))


def scenery(bands: int, rows: int, columns: int) -> np.ndarray:
    generator = np.random.default_rng(5)
    y, x = np.mgrid[:rows, :columns]
    return np.stack(
        [2_000 + 300 * band + 400 * np.sin(x / 9 + band) * np.cos(y / 7) + generator.normal(0, 20, (rows, columns))
         for band in range(bands)]
    ).astype(np.uint16)  # fmt: skip


def test_a_frame_comes_back_from_its_coefficients(model: Model) -> None:
    samples = scenery(12, 61, 90)
    stream = Stream(model, "sentinel-2-l2a", samples.shape)
    coefficients, choice = stream.forward(samples)
    assert np.array_equal(stream.inverse(coefficients, choice), samples)
    for mode in (0, 14):
        coefficients, choice = stream.forward(samples, choice=bytes([mode]))
        assert choice == bytes([mode])
        assert np.array_equal(stream.inverse(coefficients, choice), samples)


def test_layers_stay_within_their_budgets_and_refine(model: Model) -> None:
    samples = scenery(4, 100, 70)
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=["B08", "B02", "B04", "B03"])
    layers = stream.encode(samples, [100, 1_000, 5_000])
    assert np.all(np.cumsum([len(layer) for layer in layers]) <= [100, 1_000, 5_000])
    errors = [np.mean((stream.decode(layers[:count]).astype(float) - samples) ** 2) for count in range(len(layers) + 1)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 20


def test_invalid_samples_stay_invalid(model: Model) -> None:
    samples = scenery(2, 40, 40).astype(np.float32)
    samples[:, 10:20, 5:9] = np.nan
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=["B02", "B03"], dtype=np.float32, nodata="none")
    decoded = stream.decode(stream.encode(samples, [2_000]))
    assert np.array_equal(np.isnan(decoded), np.isnan(samples))


def test_a_trainer_gives_tables_that_a_model_takes(model: Model) -> None:
    bundle = next(ROOT.glob("Firmware/*/model.safetensors"))
    tensors = {
        name: values for name, values in safetensors.parse(bundle.read_bytes()).items() if name.startswith("spectral/")
    }
    samples = scenery(12, 64, 64)
    trainer = Trainer()
    assert 0 <= trainer.adapt(Stream(model, "sentinel-2-l2a", samples.shape), samples, 2_000) <= 15
    learned = safetensors.parse(trainer.tensors())
    assert all(name.startswith("tokens/") for name in learned)
    profile = {
        "name": "spelled", "sampleType": "uint16", "peak": 10_000,
        "bands": [{"name": str(band), "centerWavelength": 0.45 + 0.1 * band} for band in range(12)],
    }  # fmt: skip
    trained = Model.parse(safetensors.pack({**tensors, **learned}))
    stream = Stream(trained, profile, samples.shape)
    layers = stream.encode(samples, [2_000])
    assert np.mean((stream.decode(layers).astype(float) - samples) ** 2) < 1e4


def test_errors_name_the_field(model: Model) -> None:
    with pytest.raises(CodecError, match="no profile nobody"):
        Stream(model, "nobody", (1, 2, 3))
    with pytest.raises(CodecError, match="spectral mode"):
        Stream(model, "sentinel-2-l2a", (12, 8, 8)).forward(scenery(12, 8, 8), choice=bytes([13]))
    with pytest.raises(CodecError, match=r"manifest\.json"):
        Model.open(ROOT / "no such folder")
    infinite = np.full((1, 4, 4), np.inf, np.float32)
    with pytest.raises(CodecError, match="infinite"):
        Stream(model, "sentinel-2-l2a", (1, 4, 4), bands=["B02"], dtype=np.float32).forward(infinite)


def test_real_frames_come_back_from_their_coefficients_and_within_their_budget(model: Model, data: Path) -> None:
    files = sorted((data / "terracodec-ssl4eos12").glob("*.tif"))[::5]
    assert files
    for file in files:
        frame = read_frame(file)
        if frame.samples.shape[0] != 12:
            continue
        stream = Stream(model, "sentinel-2-l2a", frame.samples.shape, dtype=frame.samples.dtype, nodata="none")
        coefficients, choice = stream.forward(frame.samples, budget=frame.samples.nbytes // 100)
        assert np.array_equal(stream.inverse(coefficients, choice), frame.samples), file.name
        layers = stream.encode(frame.samples, [frame.samples.nbytes // 1_000, frame.samples.nbytes // 100])
        assert sum(map(len, layers)) <= frame.samples.nbytes // 100
        error = np.mean((stream.decode(layers).astype(float) - frame.samples) ** 2)
        assert 10 * np.log10(1e8 / error) > 35, file.name


def test_a_window_is_the_same_samples_as_in_the_whole_frame(model: Model) -> None:
    samples = scenery(3, 300, 1_100)
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=["B02", "B03", "B04"])
    layers = stream.encode(samples, [1_000, 20_000])
    whole = stream.decode(layers)
    for x, y, width, height in [(0, 0, 1_100, 300), (510, 299, 4, 1), (1_099, 0, 1, 1), (333, 41, 300, 200)]:
        part = stream.decode(layers, window=(x, y, width, height))
        assert np.array_equal(part, whole[:, y : y + height, x : x + width])
    for window, field in [
        ((1_100, 0, 1, 1), "window x is 1100"),
        ((0, -1, 1, 1), "window y is -1"),
        ((1_000, 0, 101, 1), "window width is 101"),
        ((0, 0, 5, 0), "window height is 0"),
    ]:
        with pytest.raises(CodecError, match=field):
            stream.decode(layers, window=window)


def test_numbers_without_end_are_refused_by_name(model: Model) -> None:
    samples = scenery(3, 20, 30)
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=["B02", "B03", "B04"])
    layers = stream.encode(samples, [-(1 << 63), (1 << 63) - 1])
    assert stream.decode(layers).shape == samples.shape
    largest = (1 << 63) - 1
    for window, field in [
        ((1 << 64, 0, 1, 1), "window x is 18446744073709551616"),
        ((0, -(1 << 63) - 1, 1, 1), "window y is -9223372036854775809"),
        ((largest, 0, largest, 1), f"window x is {largest}"),
        ((1, 0, largest, 1), f"window width is {largest}"),
        ((0, -(1 << 63), 1, 1), f"window y is {-(1 << 63)}"),
        ((0, 0, 1, -largest), f"window height is -{largest}"),
    ]:
        with pytest.raises(CodecError, match=field):
            stream.decode(layers, window=window)
    with pytest.raises(CodecError, match="budget is 9223372036854775808"):
        stream.encode(samples, [1 << 63])
    with pytest.raises(CodecError, match="rows and columns must be 1 to 1048576"):
        Stream(model, "sentinel-2-l2a", (12, 1 << 21, 8))
    with pytest.raises(CodecError, match="frame octets"):
        Stream(model, "sentinel-2-l2a", (12, 1 << 20, 1 << 20))
    with pytest.raises(CodecError, match="rows and columns"):
        Stream(model, "sentinel-2-l2a", (12, -4, 8))


def test_a_prefix_is_the_first_octets_of_the_layers() -> None:
    layers = [b"abc", b"", b"defg"]
    assert prefix(layers, 0) == [b"", b"", b""]
    assert prefix(layers, 4) == [b"abc", b"", b"d"]
    assert prefix(layers, 99) == layers
    assert prefix(layers, -1) == [b"", b"", b""]


def test_errors_stay_within_their_bounds(model: Model) -> None:
    samples = scenery(3, 40, 50)
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=("B02", "B03", "B04"))
    layers = stream.encode(samples, [300], max_error=0)
    assert len(layers) == 2
    assert np.array_equal(stream.decode(layers), samples)
    assert np.array_equal(stream.decode(layers, window=(7, 3, 20, 30)), samples[:, 3:33, 7:27])
    layers = stream.encode(samples, [300], max_error=(0, 3, 8))
    errors = np.abs(stream.decode(layers).astype(int) - samples).max(axis=(1, 2))
    assert (errors <= (0, 3, 8)).all() and errors[2] > 3
    with pytest.raises(CodecError, match="error bounds is 2 numbers"):
        stream.encode(samples, [300], max_error=(0, 3))
    with pytest.raises(CodecError, match="exclude each other"):
        stream.encode(samples, [300], max_error=0, choice=bytes([14]))


def test_a_bundle_whose_files_were_changed_is_refused_by_name(tmp_path: Path) -> None:
    source = next(path.parent for path in sorted(ROOT.glob("Firmware/*/manifest.json")))
    for name in ("model.safetensors", "MODEL_CARD.md"):
        bundle = tmp_path / name.split(".")[0]
        shutil.copytree(source, bundle)
        octets = bytearray((bundle / name).read_bytes())
        octets[-9] ^= 1  # inside of the tables: the header of safetensors stays as it was
        (bundle / name).write_bytes(octets)
        with pytest.raises(CodecError, match=rf"{name.replace('.', chr(92) + '.')} has (the )?SHA-256"):
            Model.open(bundle)
        (bundle / name).write_bytes(octets[:-1])
        with pytest.raises(CodecError, match=rf"{name.replace('.', chr(92) + '.')} size"):
            Model.open(bundle)
        (bundle / name).unlink()
        with pytest.raises(CodecError, match=name.replace(".", r"\.")):
            Model.open(bundle)


def test_the_library_refuses_sizes_and_handles_that_cannot_be(model: Model) -> None:
    stream = Stream(model, "sentinel-2-l2a", (1, 8, 8), bands=["B02"])
    room = np.zeros((1, 8, 8), np.uint16)
    target = room.ctypes.data
    for size in (-1, -(1 << 63), 1 << 40, (1 << 63) - 1):
        sizes = np.array([size], np.int64)
        with pytest.raises(CodecError, match=f"size of layer 0 is {size}"):
            call("perigee_decode", stream.handle, b"", sizes.ctypes.data, 1, None, target, room.nbytes)
    none = np.zeros(1, np.int64)
    with pytest.raises(CodecError, match="takes 128 octets, there is room for 100"):
        call("perigee_decode", stream.handle, b"", none.ctypes.data, 0, None, target, 100)
    with pytest.raises(CodecError, match="samples are 5 octets, the stream has 128 a frame"):
        call("perigee_encode", stream.handle, target, 5, none.ctypes.data, 1, b"", 0, None, target, 1, target, target)
    with pytest.raises(CodecError, match="the handle is null"):
        call("perigee_decode", None, b"", none.ctypes.data, 0, None, target, room.nbytes)
    with pytest.raises(CodecError, match="the handle is of another kind"):
        call("perigee_decode", model.handle, b"", none.ctypes.data, 0, None, target, room.nbytes)
    with pytest.raises(CodecError, match="a result is null"):
        call("perigee_intervals", stream.handle, b"", none.ctypes.data, 0, None, None, None, None, None, 0)


def test_a_path_in_place_of_a_handle_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match="call its open"):
        Model("Firmware/perigee-1")  # type: ignore[arg-type]

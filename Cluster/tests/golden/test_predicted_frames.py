"""Frames predicted from history: the codec against the decoder written from the document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference_coder import Decoder, clipped, updated
from reference_container import Band, Declaration, FormatError, Metadata, Profile, Reader, TokenFile, metadata
from reference_decoder import Firmware, decode_layers, safetensors
from reference_history import (
    HistoryTensors,
    Part,
    Prediction,
    assemble,
    filled,
    grid_offset,
    hash_of,
    read_prediction,
)

import perigee_codec
from perigee_cluster.training.safetensors import pack
from perigee_codec import Model, Stream

U64 = (1 << 64) - 1
BUNDLE = Path(__file__).resolve().parents[3] / "Firmware" / "perigee-1"
TENSORS = dict(safetensors((BUNDLE / "model.safetensors").read_bytes()))
PLAIN = {name: found for name, found in TENSORS.items() if not name.startswith("history/")}
WAVELENGTHS = {"B02": 0.4966, "B03": 0.56, "B04": 0.6645, "B08": 0.8351, "B11": 1.6137}


class Script:
    """Says given decisions to a reader and codes them as section 5.6 says."""

    def __init__(self, decisions: Iterator[int]) -> None:
        self.decisions, self.low, self.high, self.octets = decisions, 0, U64, b""

    def direct(self, cells: list[int], index: int) -> int:
        """The next decision, as the decoder is to find it."""
        d = next(self.decisions)
        middle = (self.low + ((self.high - self.low) >> 16) * clipped(cells[index] >> 16)) & U64
        self.low, self.high = (self.low, middle) if d else (middle + 1, self.high)
        while self.low >> 56 == self.high >> 56:
            self.octets += bytes([self.low >> 56])
            self.low, self.high = self.low << 8 & U64, (self.high << 8 | 255) & U64
        cells[index] = updated(cells[index], d)
        return d

    def end(self) -> bytes:
        """The octets, with the fewest more that leave nothing open."""
        for count in range(9):
            last = -(-self.low >> (64 - 8 * count)) if count else 0
            span = 1 << (64 - 8 * count)
            first = last * span
            if self.low <= first and first + span - 1 <= self.high:
                return self.octets + last.to_bytes(count, "big")
        raise AssertionError("no end")


def decisions(found: Prediction | None) -> Iterator[int]:
    """What section 5.12 says for it, one after another."""

    def bits(value: int, count: int) -> list[int]:
        return [value >> bit & 1 for bit in reversed(range(count))]

    def unary(value: int) -> list[int]:
        return [1] * value + [0] * (value < 4)

    said = [int(found is not None)]
    if found is not None:
        said += [*bits(found.profile, 3), int(found.quarters is not None)]
        said += [bit for row in found.quarters or [] for w in row for bit in unary(w)]
        said += [int(found.blocks is not None)]
        if found.blocks is not None:
            said += bits(found.size, 2) + [int(on) for row in found.blocks for on in row]
        said += [int(found.move != (0, 0))]
        if found.move != (0, 0):
            said += unary(found.move[0] + 2) + unary(found.move[1] + 2)
    return iter(said)


def tile_octets(
    found: Prediction | None, firmware: Firmware, sensor: Sensor, size: tuple[int, int], levels: int
) -> bytes:
    """The octets of a tile without a mask that says no more than its prediction."""
    script = Script(decisions(found))
    read, _ = read_prediction(script, firmware.history, size, levels, len(sensor.declared.bands))  # type: ignore[arg-type]
    assert read == found
    octets = script.end()
    again, goes_on = read_prediction(Decoder(octets), firmware.history, size, levels, len(sensor.declared.bands))
    assert (again, goes_on) == (found, True)
    return octets


class Sensor:
    """A stream and its declaration, for both decoders."""

    def __init__(
        self, model: Model, bands: dict[str, float | None], rows: int, columns: int, **options: object
    ) -> None:
        dtype, nodata = str(options.get("dtype", "uint16")), options.get("nodata")
        self.scale, self.offset = float(options.get("scale", 1)), float(options.get("offset", 0))
        own = [
            {"name": n, "groundSamplingDistance": 10} | ({"centerWavelength": w} if w else {}) for n, w in bands.items()
        ]
        profile = {"name": "p", "sampleType": dtype, "peak": 10000, "scale": 1, "offset": 0, "bands": own}
        self.stream = Stream(
            model, profile, (len(bands), rows, columns), dtype=dtype, nodata="none" if nodata is None else nodata,
            scale=self.scale, offset=self.offset,
        )  # fmt: skip
        known = [Band(name, at, 10.0) for name, at in bands.items()]
        self.declared = Declaration(
            0, Profile("p", dtype, 10000.0, 1.0, 0.0, None, known, known=False), list(range(len(bands))), rows, columns,
            dtype, nodata, self.scale, self.offset,
        )  # fmt: skip


def scene(rows: int, columns: int, bands: int = 5, seed: int = 4) -> np.ndarray:
    """Ground without holes, as floats."""
    random = np.random.default_rng(seed)
    sources = random.normal(size=(3, rows, columns)).cumsum(axis=1).cumsum(axis=2) / 8
    ground = np.einsum("bs,srw->brw", 1 + 0.5 * random.normal(size=(bands, 3)), sources)
    return 2500 + 600 * ground / np.abs(ground).max() + random.normal(size=ground.shape) * 90


def visit(ground: np.ndarray, seed: int, dtype: str = "uint16") -> np.ndarray:
    """The ground on some day: other light, noise, and something new in one corner."""
    random = np.random.default_rng(seed)
    _, rows, columns = ground.shape
    seen = ground * random.uniform(0.9, 1.1) + random.normal(size=ground.shape) * 8
    seen[:, rows // 2 :, : columns // 3] = 3_000 + 400 * random.normal(size=seen[:, rows // 2 :, : columns // 3].shape)
    return np.clip(seen, 1, 9999).astype(dtype)


def compare(
    sensor: Sensor,
    firmware: Firmware,
    parts: list[tuple[Sensor, np.ndarray, int, int]],
    layers: list[bytes],
    mix: int = 0,
) -> np.ndarray:
    """Samples of both decoders, which must be the same, as must be the references' hashes."""
    theirs = sensor.stream.reference(
        [perigee_codec.Part(s.stream, x, row, column) for s, x, row, column in parts], mix=mix
    )
    ours = assemble(
        sensor.declared, [Part(s.declared, x, row, column) for s, x, row, column in parts], firmware.spectral, mix
    )
    assert hash_of(ours) == theirs.hash
    named = Metadata(references=[(1, 3)], reference_hash=theirs.hash)
    expected = sensor.stream.decode(layers, reference=theirs)
    found = decode_layers(TokenFile(b"", sensor.declared, 0, named, layers), firmware, ours)
    assert found.tobytes() == expected.tobytes()
    return expected


@pytest.mark.parametrize("tensors", [TENSORS, PLAIN], ids=["shipped", "untrained history"])
@pytest.mark.parametrize(("rows", "columns"), [(40, 56), (20, 1024)])
def test_predicted_frames_decode_alike_at_every_layer(tensors: dict, rows: int, columns: int) -> None:
    model, firmware = Model.parse(pack(tensors)), Firmware.of(0, [], tensors)
    sensor, ground = Sensor(model, WAVELENGTHS, rows, columns), scene(rows, columns)
    old, new = visit(ground, 1), visit(ground, 2)
    reference = sensor.stream.reference([perigee_codec.Part(sensor.stream, old)])
    layers = sensor.stream.encode(new, [new.nbytes // n for n in (100, 40, 15)], reference=reference)
    assert layers.is_predicted
    for count in (0, 1, 2, 3):
        compare(sensor, firmware, [(sensor, old, 0, 0)], layers[:count])


def weights(levels: int, classes: int) -> list[list[int]]:
    """A tile's own, all five of them."""
    return [[(3 * level + c) % 5 for c in range(classes)] for level in range(min(levels, 9) + 1)]


def checkers(rows: int, columns: int) -> list[list[int]]:
    """A map of blocks."""
    return [[(x + y) % 2 for x in range(columns)] for y in range(rows)]


ALL = {
    "not predicted": None,
    "last profile": Prediction(profile=7),
    "own weights": Prediction(profile=2, quarters=weights(6, 4)),
    "finest map": Prediction(profile=1, size=0, blocks=checkers(3, 4)),
    "coarsest map": Prediction(size=3, blocks=[[0]]),
    "map of 32": Prediction(size=1, blocks=[[0, 1], [1, 0]]),
    "moved": Prediction(profile=3, move=(-2, 1)),
    "moved to the other side": Prediction(move=(2, -2)),
    "everything": Prediction(profile=4, quarters=weights(6, 4), size=0, blocks=checkers(3, 4), move=(0, 2)),
}


@pytest.mark.parametrize("mode", [14, 3], ids=["identity", "a trained basis"])
@pytest.mark.parametrize("name", ALL)
def test_whatever_a_tile_can_say_decodes_alike(name: str, mode: int) -> None:
    model, firmware = Model.parse(pack(TENSORS)), Firmware.of(0, [], TENSORS)
    rows, columns = 39, 56
    sensor, ground = Sensor(model, WAVELENGTHS, rows, columns), scene(rows, columns)
    parts = [(sensor, visit(ground, 1), 0, 0)]
    said = tile_octets(ALL[name], firmware, sensor, (rows, columns), 6)
    samples = {compare(sensor, firmware, parts, [bytes([mode]) + said]).tobytes()}
    # any octets are a stream: these open some coefficients
    noise = np.random.default_rng(8).bytes(60)
    samples.add(compare(sensor, firmware, parts, [bytes([mode]) + said, noise]).tobytes())
    assert len(samples) == 2
    if ALL[name] is not None:
        silent = sensor.stream.decode(
            [b""], reference=sensor.stream.reference([perigee_codec.Part(sensor.stream, parts[0][1])])
        )
        assert silent.tobytes() not in samples


def test_two_tiles_say_what_they_like() -> None:
    model, firmware = Model.parse(pack(TENSORS)), Firmware.of(0, [], TENSORS)
    rows, columns = 17, 800
    sensor, ground = Sensor(model, {"B04": 0.6645, "B08": 0.8351}, rows, columns), scene(rows, columns, 2)
    first = Prediction(profile=1, quarters=weights(9, 2), size=2, blocks=[[1, 0, 0, 1, 1, 0, 1, 1]], move=(1, -1))
    second = Prediction(profile=5, size=0, blocks=checkers(2, 18), move=(-2, -2))
    said = [tile_octets(found, firmware, sensor, (rows, width), 9) for found, width in ((first, 512), (second, 288))]
    table = bytes([3, len(said[0]), len(said[1])])
    parts = [(sensor, visit(ground, 1), 0, 0)]
    compare(sensor, firmware, parts, [bytes([2]) + table + b"".join(said)])
    # the second tile silent: predicted with the first profile
    compare(sensor, firmware, parts, [bytes([2, 1, len(said[0])]) + said[0]])


def test_every_prefix_of_a_small_predicted_frame_decodes_alike() -> None:
    model, firmware = Model.parse(pack(TENSORS)), Firmware.of(0, [], TENSORS)
    rows, columns = 18, 17
    sensor, ground = Sensor(model, WAVELENGTHS, rows, columns, nodata=0), scene(rows, columns)
    old, new = visit(ground, 1), visit(ground, 2)
    old[:, :3, :5] = 0
    new[:, -4:, 3:9] = 0
    reference = sensor.stream.reference([perigee_codec.Part(sensor.stream, old)])
    layers = sensor.stream.encode(new, [130], reference=reference)
    assert layers.is_predicted
    assert layers[0][0] & 64
    for size in range(len(layers[0]) + 1):
        compare(sensor, firmware, [(sensor, old, 0, 0)], [layers[0][:size]])


def test_references_of_several_frames_on_shifted_grids() -> None:
    model, firmware = Model.parse(pack(TENSORS)), Firmware.of(0, [], TENSORS)
    whole = scene(60, 70)
    sensor = Sensor(model, WAVELENGTHS, 32, 40, nodata=0)
    # another sensor: other names and order, no band near B11, another type and scale
    other = Sensor(
        model, {"red": 0.66, "B02": 0.4966, "nir": 0.84, "odd": None}, 30, 44, dtype="float32", scale=2.0, offset=-50.0
    )
    older = Sensor(model, WAVELENGTHS, 60, 70, nodata=0)
    near, far = visit(whole[:, 10:42, 14:54], 1), visit(whole, 3)
    near[:, 4:20, 10:25] = 0
    near[2, :, 30:] = 0
    strange = (visit(whole[[2, 0, 3, 1], 4:34, 20:64], 2, "float32") + 50) / 2
    strange[0, :9, :] = np.nan
    parts = [(sensor, near, 0, 0), (other, strange, -6, 6), (older, far, -10, -14), (older, far, 1 << 40, -(1 << 62))]
    said = tile_octets(Prediction(profile=1, move=(1, 0)), firmware, sensor, (32, 40), 6)
    layers = [bytes([3]) + said, np.random.default_rng(2).bytes(90)]
    for some in (parts, parts[1:2], parts[3:], parts[1:3]):
        for count in (0, 2):
            compare(sensor, firmware, some, layers[:count])
    made = [compare(sensor, firmware, parts, layers, mix).tobytes() for mix in (0, 1, 2)]
    assert len(set(made)) == 3


def test_lossless_layer_on_top_of_a_prediction() -> None:
    model, firmware = Model.parse(pack(TENSORS)), Firmware.of(0, [], TENSORS)
    rows, columns = 24, 21
    bands = {name: WAVELENGTHS[name] for name in ("B03", "B04", "B08")}
    sensor, ground = Sensor(model, bands, rows, columns, nodata=0), scene(rows, columns, 3)
    old, new = visit(ground, 1), visit(ground, 2)
    new[1, 3:6, 2:9] = 0
    reference = sensor.stream.reference([perigee_codec.Part(sensor.stream, old)])
    layers = sensor.stream.encode(new, [300], max_error=0, reference=reference)
    assert layers.is_predicted
    assert np.array_equal(compare(sensor, firmware, [(sensor, old, 0, 0)], layers), new)
    compare(sensor, firmware, [(sensor, old, 0, 0)], [*layers[:-1], layers[-1][: len(layers[-1]) // 2]])


def test_fill_takes_the_mean_of_the_least_cell_around() -> None:
    values = np.array([[1, 2, 7], [4, 0, 9], [0, 0, 0]], np.float32)
    valid = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]], bool)
    third = np.float32(np.float32(7) * np.float32(1 / 3))
    mean = np.float32((third + np.float32(9)) * np.float32(0.5))
    expected = [[1, 2, 9], [4, third, 9], [mean, mean, mean]]
    assert np.array_equal(filled(values, valid), np.array(expected, np.float32))
    assert not filled(values, np.zeros((3, 3), bool)).any()


def test_places_on_a_grid() -> None:
    def at(x: float, y: float) -> Metadata:
        return Metadata(origin=(x, y))

    declared = Declaration(0, None, [0], 4, 5, "uint8", None, 1, 0, epsg=32631, pixel=(10, 0, 0, -10))  # type: ignore[arg-type]
    assert grid_offset(declared, at(500, 900), declared, at(470, 1000)) == (-10, -3)
    # half pixels go to the even one
    assert [grid_offset(declared, at(0, 0), declared, at(x, 0)) for x in (5, 15, 25, -5, -15)] == [
        (0, 0), (0, 2), (0, 2), (0, 0), (0, -2),
    ]  # fmt: skip
    for change in ({"epsg": 32632}, {"pixel": (20, 0, 0, -20)}, {"pixel": (10, 1, 0, -10)}):
        assert grid_offset(declared, at(0, 0), replace(declared, **change), at(0, 0)) is None
    assert grid_offset(declared, at(0, 0), declared, Metadata(place="field")) is None
    wide = replace(declared, pixel=(20, 0, 0, -10))
    assert grid_offset(wide, at(0, 0), wide, at(0, 0)) is None
    assert grid_offset(declared, at(0, 0), declared, at(10 * (2.0**31 - 1), 0)) == (0, 2**31 - 1)
    assert grid_offset(declared, at(0, 0), declared, at(10 * 2.0**31, 0)) is None
    assert grid_offset(declared, Metadata(place="field"), declared, at(0, 0)) is None
    assert grid_offset(declared, Metadata(place="field"), declared, Metadata(place="field")) == (0, 0)
    assert grid_offset(declared, Metadata(), declared, Metadata()) is None
    assert grid_offset(declared, Metadata(place="field"), replace(declared, rows=5), Metadata(place="field")) is None


HISTORY = sorted(name for name in TENSORS if name.startswith("history/"))


@pytest.mark.parametrize("name", HISTORY)
def test_a_bundle_with_some_of_the_history_tensors_is_refused(name: str) -> None:
    without = {other: found for other, found in TENSORS.items() if other != name}
    with pytest.raises(FormatError, match=r"missing|history"):
        HistoryTensors.of(without)
    with pytest.raises(perigee_codec.CodecError):
        Model.parse(pack(without))


def test_weights_above_16_are_refused() -> None:
    high = TENSORS["history/weights"].copy()
    high[3, 2, 1] = 17
    with pytest.raises(FormatError, match="history/weights"):
        HistoryTensors.of(TENSORS | {"history/weights": high})
    with pytest.raises(perigee_codec.CodecError, match="history/weights"):
        Model.parse(pack(TENSORS | {"history/weights": high}))


def test_another_reference_is_refused_by_its_hash() -> None:
    firmware = Firmware.of(0, [], TENSORS)
    sensor = Sensor(Model.parse(pack(TENSORS)), WAVELENGTHS, 8, 8)
    file = TokenFile(b"", sensor.declared, 0, Metadata(references=[(1, 1)], reference_hash=7), [b""])
    with pytest.raises(FormatError, match="reference is missing"):
        decode_layers(file, firmware)
    with pytest.raises(FormatError, match="reference is another one"):
        decode_layers(file, firmware, np.zeros((5, 8, 8), np.float32))


def test_a_subset_of_the_bands_of_a_known_profile_finds_its_own_among_all() -> None:
    firmware, model = Firmware.load(BUNDLE), Model.open(BUNDLE)
    profile = next(p for p in firmware.profiles if p.name == "sentinel-2-l2a")
    rows, columns = 21, 26

    def declared(indices: list[int]) -> Declaration:
        return Declaration(
            firmware.identity, profile, indices, rows, columns, profile.sample_type, profile.nodata, profile.scale,
            profile.offset,
        )  # fmt: skip

    everything, some = declared(list(range(12))), declared([7, 1, 3])
    whole = visit(scene(rows, columns, 12), 1)
    whole[:, 5:9, :4] = 0
    new = visit(scene(rows, columns, 12), 2)[[7, 1, 3]]
    all_bands = Stream(model, profile.name, (12, rows, columns))
    stream = Stream(model, profile.name, new.shape, bands=[profile.bands[i].name for i in (7, 1, 3)])
    theirs = stream.reference([perigee_codec.Part(all_bands, whole)])
    ours = assemble(some, [Part(everything, whole)], firmware.spectral)
    assert hash_of(ours) == theirs.hash
    layers = stream.encode(new, [60, 300], reference=theirs)
    assert layers.is_predicted
    for count in (0, 1, 2):
        found = decode_layers(TokenFile(b"", some, 0, Metadata(), layers[:count]), firmware, ours)
        assert np.array_equal(found, stream.decode(layers[:count], reference=theirs))


def test_a_plain_frame_says_which_one_it_replaces() -> None:
    declared = Sensor(Model.parse(pack(TENSORS)), WAVELENGTHS, 8, 8).declared
    epoch = bytes(range(16))
    assert metadata(Reader(bytes([0x80, 0, 0xAC, 2])), declared).replaced == (300, None, 0)
    assert metadata(Reader(bytes([0x80, 0, 0, *epoch, 0xAC, 2])), declared).replaced == (0, epoch, 300)
    with pytest.raises(FormatError, match="replaced"):
        metadata(Reader(bytes([0x80, 0, 0x81, *[0x80] * 7, 0x40])), declared)

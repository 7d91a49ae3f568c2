"""The decoder written from the document against the codec: golden vectors, then real frames coded by the tool."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_container import Band, Declaration, FormatError, Metadata, Profile, Reader, TokenFile, token_file
from reference_container import declaration as parse_declaration
from reference_contexts import CENTROIDS, UNTRAINED_CELLS, UNTRAINED_WEIGHTS, Tables
from reference_decoder import Firmware, decode, decode_layers
from reference_history import Part, assemble, hash_of
from reference_transform import Singles

from perigee_cluster.data.frames import read_frame

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "Tests" / "Vectors"
CODEC = VECTORS / "codec" / "3"
NAMES = sorted(p.stem for p in CODEC.glob("*.json") if p.stem not in ("manifest", "tensors"))


def _firmware(vector: dict[str, Any]) -> Firmware:
    if vector["model"] != "untrained":
        firmware = Firmware.load(ROOT / vector["model"])
        assert f"{firmware.identity:08x}" == vector["firmware"], "another bundle: remake the vectors"
        return firmware
    flat = json.loads((CODEC / "tensors.json").read_text())
    count = len(flat["spectral/wavelengths"])
    tensors = {name: np.array(values, np.float64) for name, values in flat.items()}
    tensors["spectral/covariance"] = tensors["spectral/covariance"].reshape(-1, 10, count, count)
    return Firmware.of(0, [], tensors)


def _declaration(vector: dict[str, Any]) -> Declaration:
    bands = [Band(b["name"], b.get("wavelength"), b.get("gsd")) for b in vector["bands"]]
    nodata = vector.get("nodata")
    profile = Profile("vector", vector["type"], vector["peak"], vector["scale"], 0.0, nodata, bands, known=False)
    indices = list(range(len(bands)))
    return Declaration(
        0, profile, indices, vector["rows"], vector["columns"], vector["type"], nodata, vector["scale"], 0.0
    )


def _reference(vector: dict[str, Any], firmware: Firmware, declared: Declaration) -> Singles | None:
    """What the parts of a predicted vector make, with the hash that it names."""
    if "history" not in vector:
        return None
    dtype, parts = np.dtype(declared.sample_type).newbyteorder("<"), []
    for part in vector["history"]["parts"]:
        own = replace(declared, rows=part["rows"], columns=part["columns"])
        samples = np.frombuffer(bytes.fromhex(part["samples"]), dtype).reshape(-1, own.rows, own.columns)
        parts.append(Part(own, samples, part["row"], part["column"]))
    reference = assemble(declared, parts, firmware.spectral, vector["history"].get("mix", 0))
    assert f"{hash_of(reference):x}" == vector["history"]["hash"]
    return reference


@pytest.mark.parametrize("name", NAMES)
def test_golden_vector_decodes_to_the_same_octets(name: str) -> None:
    vector = json.loads((CODEC / f"{name}.json").read_text())
    layers = [bytes.fromhex(layer) for layer in vector["layers"]]
    firmware, declared = _firmware(vector), _declaration(vector)
    reference = _reference(vector, firmware, declared)
    whole = {"layers": len(layers), "lastSize": len(layers[-1]), "samples": vector["samples"]}
    for prefix in [*vector["prefixes"], *([whole] if name == "one-sample" else [])]:
        at_hand = layers[: prefix["layers"]]
        at_hand[-1] = at_hand[-1][: prefix["lastSize"]]
        samples = decode_layers(TokenFile(b"", declared, 0, Metadata(), at_hand), firmware, reference)
        octets = samples.tobytes()
        found = octets.hex() if vector["model"] == "untrained" else f"sha256:{hashlib.sha256(octets).hexdigest()}"
        assert found == prefix["samples"], f"{name}: {prefix['layers']} layers, {prefix['lastSize']}"


def test_vectors_are_there() -> None:
    assert len(NAMES) >= 10
    assert sum(name.startswith("shipped") for name in NAMES) >= 2
    assert sum("predicted" in name for name in NAMES) >= 5


def _tables() -> dict[str, Any]:
    tensors = {f"tokens/{name}": np.zeros(shape, np.uint32) for name, (shape, _) in UNTRAINED_CELLS.items()}
    tensors |= {f"tokens/{name}": np.zeros(shape, np.int32) for name, (shape, _) in UNTRAINED_WEIGHTS.items()}
    return tensors | {"tokens/centroids": np.zeros(CENTROIDS, np.uint16)}


@pytest.mark.parametrize("name", sorted(_tables()))
def test_a_bundle_with_some_of_the_token_tensors_is_refused(name: str) -> None:
    tensors = _tables()
    assert Tables.of(tensors).cells["flags"] == [0] * (12 * 32 * 24)
    one = tensors.pop(name)
    with pytest.raises(FormatError, match=f"{name} is missing"):
        Tables.of(tensors)
    for wrong in (one[..., :-1], one.astype(np.float32)):
        with pytest.raises(FormatError, match=name):
            Tables.of(tensors | {name: wrong})


def test_counts_above_60_are_lowered_and_a_tile_has_its_own_copy() -> None:
    tensors = _tables()
    tensors["tokens/flags"][0, 0, :3] = [5 << 10 | 1023, 5 << 10 | 60, 5 << 10 | 7]
    tables = Tables.of(tensors)
    tile = tables.start()
    assert tile.cells["flags"][:4] == [5 << 10 | 60, 5 << 10 | 60, 5 << 10 | 7, 0]
    tile.weights["weights/sign"][0] = 1
    assert tables.weights["weights/sign"][0] == 0


def _octets(name: str) -> bytes:
    lines = (VECTORS / "packet" / "1" / name).read_text().splitlines()
    return bytes.fromhex("".join(line.split("#")[0].strip() for line in lines))


def _profiles() -> list[Profile]:
    profile = Profile("p", "uint16", 10000, 0.0001, 0, 0.0, [Band("B02", 0.49, 10)])
    return [profile, profile]


def test_worked_example_of_a_token_file() -> None:
    file = token_file(_octets("file.hex"), _profiles())
    assert file.epoch == bytes(range(16))
    assert (file.declaration.rows, file.declaration.columns) == (264, 264)
    assert (file.declaration.firmware, file.declaration.epsg) == (0x01020304, 32631)
    assert file.declaration.pixel == (10, 0, 0, -10)
    assert file.metadata.time == 1533379589024
    assert file.metadata.origin == (499980, 5600040)
    assert file.metadata.sun == 51.5
    assert file.layers == [bytes.fromhex("aabbcc")]


def test_every_truncation_and_every_changed_bit_of_the_example_is_refused() -> None:
    octets = _octets("file.hex")
    for size in range(len(octets)):
        with pytest.raises(FormatError):
            token_file(octets[:size], _profiles())
    for bit in range(8 * len(octets)):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((FormatError, UnicodeDecodeError)):
            token_file(bytes(changed), _profiles())


def test_a_needless_octet_of_a_varint_is_refused() -> None:
    with pytest.raises(FormatError, match="longer"):
        Reader(bytes([0x80, 0x00])).varint("x")
    with pytest.raises(FormatError, match="truncated"):
        parse_declaration(Reader(b""), [])


@pytest.fixture(scope="module")
def tool() -> Path:
    """The release binary: skipped where it was not built, a failure in CI."""
    path = ROOT / ".build" / "release" / "perigee"
    if not path.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no {path}: swift build -c release")
        pytest.skip(f"no {path}: swift build -c release")
    return path


def _run(tool: Path, *arguments: str) -> None:
    done = subprocess.run([str(tool), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


REAL = [
    ("worldcereal-timeseries/wc-be1_20170827.tif", "sentinel-2-l2a", "900"),
    ("worldcereal-timeseries/wc-be1_20170827.tif", "sentinel-2-l2a", "167"),
    ("eurosat-ms/es-forest-01_nodate.tif", "sentinel-2-l1c", "1000"),
    ("eurosat-ms/es-forest-01_nodate.tif", "generic", "1500"),
    ("worldcereal-timeseries-l8/wc-be1_20170815.tif", "landsat-8-oli", "500"),
]


@pytest.mark.parametrize(("file", "sensor", "size"), REAL)
def test_real_frame_coded_by_the_tool(
    tool: Path, data: Path, tmp_path: Path, file: str, sensor: str, size: str
) -> None:
    tokens, image = tmp_path / "frame.pgt", tmp_path / "frame.tif"
    _run(tool, "encode", str(data / file), "-o", str(tokens), "--sensor", sensor, "--bytes", size)
    _run(tool, "decode", str(tokens), "-o", str(image))
    samples = decode(tokens.read_bytes(), Firmware.load(ROOT / "Firmware" / "perigee-1"))
    expected = read_frame(image).samples
    assert np.array_equal(samples, expected)


BOUNDED = [
    ("eurosat-ms/es-forest-01_nodate.tif", "sentinel-2-l1c", ["--lossless"]),
    ("worldcereal-timeseries/wc-be1_20170827.tif", "sentinel-2-l2a", ["--max-error", "B02=1,B03=5,B8A=40"]),
]


@pytest.mark.parametrize(("file", "sensor", "bound"), BOUNDED)
def test_bounded_frame_coded_by_the_tool(
    tool: Path, data: Path, tmp_path: Path, file: str, sensor: str, bound: list[str]
) -> None:
    tokens, image = tmp_path / "frame.pgt", tmp_path / "frame.tif"
    _run(tool, "encode", str(data / file), "-o", str(tokens), "--sensor", sensor, *bound)
    _run(tool, "decode", str(tokens), "-o", str(image))
    samples = decode(tokens.read_bytes(), Firmware.load(ROOT / "Firmware" / "perigee-1"))
    assert np.array_equal(samples, read_frame(image).samples)
    errors = np.abs(samples.astype(int) - read_frame(data / file).samples.astype(int)).max(axis=(1, 2))
    limits = [
        0 if bound == ["--lossless"] else {"B02": 1, "B03": 5, "B8A": 40}.get(b, 0) for b in read_frame(image).bands
    ]
    assert (errors <= np.array(limits)).all()

"""Statistics of the firmware: what they must be by definition, and that a bundle is the same octets again."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from perigee_cluster.data.splits import load_splits
from perigee_cluster.training.bundle import Bundle
from perigee_cluster.training.codec import ROOT, spectral_tensors
from perigee_cluster.training.config import CodecConfig, SpectralConfig
from perigee_cluster.training.corpus import REFERENCE_BANDS, corpus, largest_whole
from perigee_cluster.training.profiles import read_profiles
from perigee_cluster.training.safetensors import pack, parse
from perigee_cluster.training.spectral import complete, fit, frame_statistics
from perigee_cluster.training.wavelet import subbands
from rd import folds


def test_wavelet_counts_every_coefficient_once_and_keeps_energy() -> None:
    planes = np.random.default_rng(1).normal(size=(2, 37, 50))
    parts = list(subbands(planes))
    assert sum(part.size for _, part in parts) == planes.size
    assert parts[-1][0] == 0
    assert parts[-1][1].shape == (2, 1, 1)
    assert sum((part**2).sum() for _, part in parts) == pytest.approx((planes**2).sum(), rel=0.1)


def test_wavelet_of_a_constant_is_its_low_band_alone() -> None:
    parts = list(subbands(np.full((1, 13, 9), 7.0)))
    assert all(np.abs(part).max() < 1e-9 for level, part in parts if level)


def _frames(count: int, lacking: int | None = None) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    mixing = np.random.default_rng(4).normal(size=(4, 2))
    frames = []
    for _ in range(count):
        frame = np.einsum("bk,krc->brc", mixing, random.normal(size=(2, 64, 64))) * 100 + 1000
        frame += random.normal(size=frame.shape)
        frames.append(frame if lacking is None else np.delete(frame, lacking, axis=0))
    return frames


def test_a_lacking_band_is_filled_in_from_frames_that_have_it() -> None:
    whole = [frame_statistics("w", f, np.arange(4), 4, 4096) for f in _frames(6)]
    partial = [frame_statistics("p", f, np.array([0, 1, 3]), 4, 4096) for f in _frames(6, lacking=2)]
    filled = complete([*whole, *partial])[-1]
    truth = whole[-1]
    for level in (1, 2, 3):
        error = np.abs(filled.covariance_LBB[level] - truth.covariance_LBB[level]).max()
        assert error < 0.02 * np.trace(truth.covariance_LBB[level])
        assert np.linalg.eigvalsh(filled.covariance_LBB[level]).min() > -1e-6


def test_no_frame_with_all_bands_is_refused() -> None:
    partial = [frame_statistics("p", f, np.array([0, 1, 3]), 4, 4096) for f in _frames(2, lacking=2)]
    with pytest.raises(ValueError, match="L1C"):
        complete(partial)


def test_model_has_trace_one_and_the_common_set_last() -> None:
    statistics = [frame_statistics(str(i), f, np.arange(4), 4, 4096) for i, f in enumerate(_frames(8))]
    model = fit(statistics, 3, 1.0, 100.0)
    assert model.covariance_SLBB.shape == (3, 10, 4, 4)
    assert np.trace(model.covariance_SLBB, axis1=2, axis2=3) == pytest.approx(1)
    alone = fit(statistics, 1, 1.0, 100.0)
    assert np.array_equal(model.covariance_SLBB[-1], alone.covariance_SLBB[0])


def test_corpus_holds_training_places_only(data: Path) -> None:
    splits = load_splits()
    frames = list(corpus(data, splits))
    assert len(frames) > 90
    assert {splits.role(f.file.split("/")[1].split("_")[0]) for f in frames} == {"train"}
    for frame in frames:
        assert len(frame.reference) == frame.samples.shape[0]
        assert 0 < frame.samples.min() < 950
        assert frame.samples.max() < 65535
        assert frame.reference.max() < len(REFERENCE_BANDS)


def test_largest_rectangle_without_missing_pixels() -> None:
    missing = np.zeros((6, 8), bool)
    missing[0, 3] = missing[5, 7] = True
    samples = np.arange(48, dtype=np.uint16).reshape(1, 6, 8)
    assert largest_whole(samples, missing).shape == (1, 5, 7)
    assert largest_whole(samples, np.ones((6, 8), bool)).size == 0


def test_safetensors_come_back() -> None:
    tensors = {"b": np.arange(6, dtype=np.float64).reshape(2, 3), "a": np.array([1, 2], np.uint32)}
    octets = pack(tensors)
    assert octets == pack(dict(reversed(tensors.items())))
    again = parse(octets)
    assert sorted(again) == ["a", "b"]
    for name, values in tensors.items():
        assert again[name].dtype == values.dtype
        assert np.array_equal(again[name], values)


def test_bundle_lists_what_it_wrote(tmp_path: Path) -> None:
    bundle = Bundle("test", "1", [], {"x": np.zeros(3)}, "card")
    identity = bundle.write(tmp_path)
    manifest = (tmp_path / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).digest()[:4][::-1].hex() == identity
    for name, entry in json.loads(manifest)["files"].items():
        octets = (tmp_path / name).read_bytes()
        assert (len(octets), hashlib.sha256(octets).hexdigest()) == (entry["size"], entry["sha256"])
    assert bundle.write(tmp_path) == identity


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="sets is 15"):
        SpectralConfig(15, 1.0, 1.0, 1)


def test_shipped_bundle_was_made_from_these_files_and_settings(data: Path) -> None:
    manifest = json.loads((ROOT / "Firmware" / "perigee-1" / "manifest.json").read_text())
    config = CodecConfig.read(ROOT / "Cluster" / "configs" / "codec.toml")
    assert manifest["training"]["config"] == config.settings()
    frames = {frame.file: frame.sha256 for frame in corpus(data, load_splits())}
    assert manifest["training"]["frames"] == frames
    assert manifest["profiles"] == read_profiles(ROOT / "Config" / "sensors")
    for name, entry in manifest["files"].items():
        octets = (ROOT / "Firmware" / "perigee-1" / name).read_bytes()
        assert (len(octets), hashlib.sha256(octets).hexdigest()) == (entry["size"], entry["sha256"])


def test_shipped_spectral_statistics_are_fitted_again(data: Path) -> None:
    config = CodecConfig.read(ROOT / "Cluster" / "configs" / "codec.toml")
    frames = list(corpus(data, load_splits()))
    made = spectral_tensors(config, frames, read_profiles(ROOT / "Config" / "sensors"))
    shipped = parse((ROOT / "Firmware" / "perigee-1" / "model.safetensors").read_bytes())
    for name, values in made.items():
        # Another linear algebra library may round otherwise in the last places.
        assert np.allclose(values, shipped[name], rtol=0, atol=1e-8), name


def test_no_place_that_the_tables_name_was_trained_on() -> None:
    trained = json.loads((ROOT / "Firmware" / "perigee-1" / "manifest.json").read_text())["training"]["frames"]
    tables = (ROOT / "Docs" / "benchmarks.md").read_text()
    named = set(re.findall(r"\b\d{7}\b|\b(?:wc|es|eol|ben|tm|hw)-[\w-]+|\bdolomites\b|\bbouconne\b", tables))
    assert {"dolomites", "wc-be2"} <= named
    assert len(trained) > 50
    # a fold has a bundle of its own, which tests of the benchmark look at
    for place in named - set(folds.PLACES):
        assert not [file for file in trained if place in file], f"{place} is in the bundle's training list"
    splits = load_splits()
    for file in trained:
        assert splits.role(Path(file).stem.rsplit("_", 1)[0]) == "train", file

"""Pairs that prediction is learned from, and what is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from perigee_cluster.data.splits import Splits
from perigee_cluster.training import history, smoke
from perigee_cluster.training.codec import ROOT
from perigee_cluster.training.config import CodecConfig, HistoryConfig
from perigee_cluster.training.corpus import REFERENCE_BANDS
from perigee_cluster.training.pairs import SMALLEST, HistoryPair, history_pairs
from perigee_cluster.training.profiles import read_profiles
from perigee_cluster.training.safetensors import parse

SPLITS = Splits(train=frozenset({"meadow", "lake"}), validation=frozenset({"hill"}), test=frozenset({"city"}))
BANDS = [band for band in REFERENCE_BANDS if band != "B10"]


def write(folder: Path, name: str, samples: np.ndarray, bands: list[str] = BANDS, nodata: int | None = 0) -> None:
    """A frame as the sample data has them."""
    names = "".join(f'<Item name="DESCRIPTION" sample="{i}" role="description">{b}</Item>' for i, b in enumerate(bands))
    tags = [(42112, "s", 0, f"<GDALMetadata>{names}</GDALMetadata>", True)]
    if nodata is not None:
        tags.append((42113, "s", 0, str(nodata), True))
    path = folder / "eotdl-boadella" / f"{name}.tif"
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, samples, photometric="minisblack", planarconfig="separate", extratags=tags)


def frame(value: int, rows: int = 56, columns: int = 60) -> np.ndarray:
    """Each sample says its frame, band and place."""
    y, x = np.mgrid[:rows, :columns]
    return (value + 300 * np.arange(len(BANDS))[:, None, None] % 97 + 3 * y + x).astype(np.uint16)


def test_only_training_places_in_both_directions_of_time(tmp_path: Path) -> None:
    for place in ("meadow", "hill", "city"):
        for day in range(4):
            write(tmp_path, f"{place}_2020010{day}", frame(100 * day + 500))
    write(tmp_path, "meadow_20200105_stack", frame(7))
    found = list(history_pairs(tmp_path, SPLITS, reach=2))
    days = [(pair.files[0][-5], pair.files[1][-5]) for pair in found]
    assert days == [(str(a), str(b)) for a in range(4) for b in range(4) if a != b and abs(a - b) <= 2]
    assert all(name.startswith("eotdl-boadella/meadow_") for pair in found for name in pair.files)
    assert [pair.files[0] for pair in history_pairs(tmp_path, SPLITS, 1, "test")] == [
        f"eotdl-boadella/city_2020010{day}.tif" for day in (0, 1, 1, 2, 2, 3)
    ]


def test_a_place_that_no_split_names_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "desert_20200101", frame(500))
    with pytest.raises(KeyError, match="desert"):
        list(history_pairs(tmp_path, SPLITS, 1))


def test_both_frames_are_cut_to_the_rectangle_in_which_neither_misses_a_pixel(tmp_path: Path) -> None:
    first, second = frame(500), frame(900)
    first[3, :4] = 0
    second[0, :, -9:] = 0
    write(tmp_path, "lake_1", first)
    write(tmp_path, "lake_2", second)
    ahead, back = history_pairs(tmp_path, SPLITS, 1)
    for pair, (new, old) in ((ahead, (first, second)), (back, (second, first))):
        assert pair.bands == tuple(BANDS)
        assert np.array_equal(pair.samples, new[:, 4:, :-9])
        assert np.array_equal(pair.earlier, old[:, 4:, :-9])


def test_the_offset_of_newer_processing_is_taken_off_each_frame_by_itself(tmp_path: Path) -> None:
    write(tmp_path, "lake_1", frame(500))
    write(tmp_path, "lake_2", frame(1_500))
    pair, _ = history_pairs(tmp_path, SPLITS, 1)
    assert np.array_equal(pair.samples, pair.earlier)


def test_pairs_of_other_bands_or_sizes_or_with_too_little_in_common_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "lake_1", frame(500))
    write(tmp_path, "lake_2", frame(500)[:-1], BANDS[:-1])
    write(tmp_path, "lake_3", frame(500, rows=57))
    narrow = frame(500, rows=57)
    narrow[:, :, SMALLEST - 1 :] = 0
    write(tmp_path, "lake_4", narrow)
    for day in (5, 6):
        write(tmp_path, f"lake_{day}", frame(500, rows=58), [*BANDS[:-1], "thermal"])
    assert list(history_pairs(tmp_path, SPLITS, 5)) == []


def test_a_bundle_learns_the_same_history_twice_and_it_is_of_use() -> None:
    shipped = parse((ROOT / "Firmware" / "perigee-1" / "model.safetensors").read_bytes())
    tensors = {name: values for name, values in shipped.items() if not name.startswith("history/")}
    profiles, pairs = read_profiles(ROOT / "Config" / "sensors"), smoke.pairs(3)
    assert smoke.CONFIG.history is not None
    first, second = (history.fit_history(pairs, tensors, profiles, smoke.CONFIG.history) for _ in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    weights = first["history/weights"]
    assert (weights.dtype, weights.shape) == (np.dtype(np.uint8), (8, 10, 6))
    assert 0 < weights.max() <= 16
    # frames that say nothing are predicted with most of what was there before
    assert weights[0, 1:5, 0].mean() > 8
    assert (first["history/cells"] != history.UNTRAINED).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reach": 0}, {"passes": 0}, {"crop": 0}, {"crops": -1}, {"memory": (1.0,)}, {"ratios": (0.5, 9.0)},
        {"ratios": (2.0, 3.0, 4.0)},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_trained_are_refused(wrong: dict) -> None:
    right = {"reach": 1, "memory": (50.0,), "ratios": (60.0, 90.0), "crops": 0, "crop": 1, "passes": 1, "seed": 0}
    HistoryConfig(**right)
    with pytest.raises(ValueError, match="history"):
        HistoryConfig(**right | wrong)


def test_the_shipped_settings_are_read(tmp_path: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "configs" / "codec.toml"
    config = CodecConfig.read(path)
    assert config.history is not None
    assert config.history.memory[0] > 1
    text = path.read_text()
    (tmp_path / "plain.toml").write_text(text[: text.index("[history]")])
    assert CodecConfig.read(tmp_path / "plain.toml").history is None


def test_pairs_keep_their_samples_apart(tmp_path: Path) -> None:
    write(tmp_path, "lake_1", frame(500))
    write(tmp_path, "lake_2", frame(900))
    pair = next(history_pairs(tmp_path, SPLITS, 1))
    assert isinstance(pair, HistoryPair)
    assert pair.samples.flags.c_contiguous
    assert pair.earlier.flags.c_contiguous

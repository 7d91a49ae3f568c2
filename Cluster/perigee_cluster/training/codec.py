"""`make train`: fits the codec's statistics on training places and writes the firmware bundle.

python -m perigee_cluster.training.codec [--config FILE] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np

from perigee_cluster.data.frames import data_folder
from perigee_cluster.data.splits import load_splits
from perigee_cluster.training import card
from perigee_cluster.training.bundle import Bundle
from perigee_cluster.training.config import CodecConfig
from perigee_cluster.training.corpus import REFERENCE_BANDS, TrainingFrame, corpus
from perigee_cluster.training.history import fit_history
from perigee_cluster.training.pairs import HistoryPair, history_pairs
from perigee_cluster.training.profiles import Profile, read_profiles, wavelengths
from perigee_cluster.training.safetensors import Tensors
from perigee_cluster.training.spectral import fit, frame_statistics
from perigee_cluster.training.tables import fit_tables

ROOT = Path(__file__).resolve().parents[3]
REFERENCE_PROFILE = "sentinel-2-l1c"
log = logging.getLogger("train")


def spectral_tensors(config: CodecConfig, frames: list[TrainingFrame], profiles: list[Profile]) -> Tensors:
    """`spectral/wavelengths` [m], `spectral/mean` [m], `spectral/covariance` [sets, 10, m, m] and, where set,
    `spectral/rotation_efficiency` [1]; all f64."""
    settings, count = config.spectral, len(REFERENCE_BANDS)
    statistics = [
        frame_statistics(frame.file, frame.samples, frame.reference, count, settings.reference_pixels)
        for frame in frames
    ]
    model = fit(statistics, settings.sets, settings.shrinkage, settings.distortion)
    reference = wavelengths(next(profile for profile in profiles if profile["name"] == REFERENCE_PROFILE))
    # Sums of eigh and einsum may differ in the last bits between libraries: what is kept is rounded to what is meant.
    tensors = {
        "spectral/wavelengths": np.array([reference[band] for band in REFERENCE_BANDS]),
        "spectral/mean": np.round(model.mean_B, 3),
        "spectral/covariance": np.round(model.covariance_SLBB, 10),
    }
    if settings.rotation_efficiency is not None:
        tensors["spectral/rotation_efficiency"] = np.array([settings.rotation_efficiency])
    return tensors


def train(
    config: CodecConfig,
    output: Path,
    frames: list[TrainingFrame] | None = None,
    pairs: list[HistoryPair] | None = None,
) -> str:
    """Fits everything on `frames` and `pairs`, by default those of the training places, and writes the bundle; returns
    its id. Frames that are given without pairs make a bundle without history."""
    if frames is None:
        frames = list(corpus(data_folder(), load_splits()))
        if config.history is not None:
            pairs = list(history_pairs(data_folder(), load_splits(), config.history.reach))
    log.info("%d training frames", len(frames))
    profiles = read_profiles(ROOT / "Config" / "sensors")
    tensors = dict(spectral_tensors(config, frames, profiles))
    log.info("spectral statistics: %d sets", config.spectral.sets)
    tensors |= fit_tables(frames, tensors, profiles, config.tables)
    if pairs and config.history is not None:
        tensors |= fit_history(pairs, tensors, profiles, config.history)
    training = {"config": config.settings(), "frames": {frame.file: frame.sha256 for frame in frames}}
    if pairs:
        training["pairs"] = [list(pair.files) for pair in pairs]
    bundle = Bundle(config.name, config.version, profiles, tensors, card.render(config, frames, pairs or []), training)
    identity = bundle.write(output)
    log.info("%s: firmware %s", output, identity)
    return identity


def main() -> None:
    """Reads the arguments and trains."""
    parser = argparse.ArgumentParser(prog="train", description="Fits the codec's statistics; writes a firmware bundle.")
    parser.add_argument("--config", type=Path, default=ROOT / "Cluster" / "configs" / "codec.toml")
    parser.add_argument("--output", type=Path, default=ROOT / "Firmware" / "perigee-1")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(CodecConfig.read(arguments.config), arguments.output)


if __name__ == "__main__":
    main()

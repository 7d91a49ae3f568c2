"""Start values of the token coder: the codec itself learns them from training frames, here they are put in order."""

from __future__ import annotations

import logging

import numpy as np

from perigee_cluster.training.config import TableConfig
from perigee_cluster.training.corpus import TrainingFrame
from perigee_cluster.training.profiles import Profile
from perigee_cluster.training.safetensors import Tensors, pack, parse
from perigee_codec import Model, Stream, Trainer

log = logging.getLogger("train")


def profile_of(frame: TrainingFrame, profiles: list[Profile]) -> Profile:
    """The Sentinel-2 profile whose bands the frame has: L1C with B10, L2A without."""
    name = "sentinel-2-l1c" if len(frame.reference) == 13 else "sentinel-2-l2a"
    return next(profile for profile in profiles if profile["name"] == name)


def fit_tables(frames: list[TrainingFrame], spectral: Tensors, profiles: list[Profile], config: TableConfig) -> Tensors:
    """Runs the trainer over all frames in a shuffled order, each down to `config.ratio`, `config.passes` times."""
    model = Model.parse(pack(spectral))
    streams: dict[tuple[str, tuple[int, ...]], Stream] = {}
    trainer = Trainer()
    random = np.random.default_rng(config.seed)
    for index in range(config.passes):
        modes = np.zeros(16, int)
        for number in random.permutation(len(frames)):
            frame = frames[number]
            profile = profile_of(frame, profiles)
            bands, rows, columns = frame.samples.shape
            key = (str(profile["name"]), (bands, rows, columns))
            if key not in streams:
                streams[key] = Stream(model, profile, (bands, rows, columns), nodata="none")
            budget = int(frame.samples.nbytes / config.ratio)
            modes[trainer.adapt(streams[key], frame.samples, budget)] += 1
        log.info("pass %d of %d, spectral modes %s", index + 1, config.passes, modes.tolist())
    return parse(trainer.tensors())

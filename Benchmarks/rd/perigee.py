"""Perigee as a user has it: the real binary on real files, every octet of the file counted."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import read_frame
from rd.cache import ROOT

OVER_BUDGET = 3


@dataclass(frozen=True)
class File:
    """One reconstruction, and the octets of the file it came from."""

    reconstruction: NDArray[np.generic]
    octets: int


class PerigeeError(Exception):
    """The binary failed: the command and what it said."""


@dataclass(frozen=True)
class Perigee:
    """Runs `perigee encode` and `perigee decode` with one bundle in the folder `scratch`."""

    bundle: Path
    scratch: Path

    @property
    def binary(self) -> Path:
        """The release binary."""
        return ROOT / ".build" / "release" / "perigee"

    def run(self, *arguments: str) -> int:
        """Exit code of one command, run from the root of the repository: 0, or 3 where the budget is too small."""
        command = [str(self.binary), *arguments, "--firmware", str(self.bundle), "--lanes", "1"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, OVER_BUDGET):
            raise PerigeeError(f"perigee {' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()}")
        return done.returncode

    def encode(self, source: Path, sensor: str, budget: int) -> Path | None:
        """The file of at most `budget` octets; None where the smallest possible one is larger."""
        tokens = self.scratch / f"{source.stem}-{budget}.pgt"
        code = self.run("encode", str(source), "-o", str(tokens), "--sensor", sensor, "--bytes", str(budget))
        if code == OVER_BUDGET:
            return None
        if tokens.stat().st_size > budget:
            raise PerigeeError(f"{tokens.name} has {tokens.stat().st_size} octets, more than the {budget} it was given")
        return tokens

    def round_trip(self, source: Path, sensor: str, budget: int) -> File | None:
        """Encodes to at most `budget` octets and decodes; None where that cannot be done."""
        tokens = self.encode(source, sensor, budget)
        if tokens is None:
            return None
        image = tokens.with_suffix(".tif")
        self.run("decode", str(tokens), "-o", str(image))
        return File(read_frame(image).samples, tokens.stat().st_size)

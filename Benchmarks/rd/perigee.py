"""Perigee as a user has it: the real binary on real files."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.data.frames import read_frame

PACKET_METADATA_LIMIT = 128


@dataclass(frozen=True)
class PerigeeResult:
    """One reconstruction; octets of the whole file and of its tokens; wall seconds of both commands, start included."""

    reconstruction: NDArray[np.generic]
    octets: int
    payload: int
    encode_seconds: float
    decode_seconds: float


class PerigeeError(Exception):
    """The binary failed: the command and what it said."""


@dataclass(frozen=True)
class Perigee:
    """Runs `perigee encode` and `perigee decode` of the repository `root` in the folder `scratch`."""

    root: Path
    scratch: Path
    sensor: str = "sentinel-2-l2a"

    @property
    def binary(self) -> Path:
        """The release binary."""
        return self.root / ".build" / "release" / "perigee"

    def run(self, *arguments: str) -> str:
        """Standard output of one command, run from the root of the repository."""
        done = subprocess.run(
            [str(self.binary), *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise PerigeeError(f"perigee {' '.join(arguments)}: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def round_trip(self, source: Path, budget: int, by_payload: bool = False) -> PerigeeResult:
        """Encodes to at most `budget` octets, of the whole file or (`by_payload`) of its tokens alone, and decodes."""
        tokens = self.scratch / f"{source.stem}-{budget}{'-payload' if by_payload else ''}.pgt"
        image = tokens.with_suffix(".tif")
        limit = budget
        if by_payload:
            self._encode(source, tokens, budget + PACKET_METADATA_LIMIT)
            limit = budget + self.metadata_size(tokens)
        encode_seconds = self._encode(source, tokens, limit)
        begin = time.perf_counter()
        self.run("decode", str(tokens), "-o", str(image))
        decode_seconds = time.perf_counter() - begin
        size = tokens.stat().st_size
        payload = size - self.metadata_size(tokens)
        counted = payload if by_payload else size
        if counted > budget:
            raise PerigeeError(f"{tokens.name} has {counted} octets, more than the {budget} it was given")
        return PerigeeResult(read_frame(image).samples, size, payload, encode_seconds, decode_seconds)

    def metadata_size(self, tokens: Path) -> int:
        """Octets of a token file that are not tokens, as `perigee info --json` lists them."""
        return int(json.loads(self.run("info", str(tokens), "--json"))["overhead_bytes"])

    def _encode(self, source: Path, tokens: Path, limit: int) -> float:
        begin = time.perf_counter()
        self.run("encode", str(source), "-o", str(tokens), "--sensor", self.sensor, "--bytes", str(limit))
        return time.perf_counter() - begin

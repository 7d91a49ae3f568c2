"""Which frames are measured: all of the test places, grouped by where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

import numpy as np

from lossless import peers
from perigee_cluster.data.frames import data_folder, read_frame
from perigee_cluster.data.splits import load_splits

BOUND = 2
SETS = {
    "SSL4EO-S12, 12 bands, 264 x 264": ("terracodec-ssl4eos12", "sentinel-2-l2a"),
    "WorldCereal, 10 bands, 64 x 64": ("worldcereal-timeseries-test", "sentinel-2-l2a"),
    "Dolomites, 4 bands, 384 x 384": ("s2-dolomites", "sentinel-2-l2a"),
    "EuroSAT, 13 bands, 64 x 64": ("eurosat-ms", "sentinel-2-l1c"),
    "HLS, 7 bands, int16, 128 x 128": ("hls-water", "generic"),
}
Row = dict[str, object]


@dataclass(frozen=True)
class Job:
    """One frame, and the tool that codes it."""

    group: str
    path: Path
    sensor: str
    tool: Path


def jobs(tool: Path) -> list[Job]:
    """All frames of test places."""
    splits, folder = load_splits(), data_folder()
    return [
        Job(group, path, sensor, tool)
        for group, (name, sensor) in SETS.items()
        for path in sorted((folder / name).glob("*.tif"))
        if not path.name.endswith("_stack.tif") and splits.role(path.name.split("_")[0]) == "test"
    ]


def measure(job: Job) -> Row:
    """Octets of every codec on one frame; ours decoded again and compared sample by sample."""
    samples = read_frame(job.path).samples
    with TemporaryDirectory(prefix="perigee-lossless-") as scratch:
        exact = _ours(job, Path(scratch), ["--lossless"], samples, 0)
        near = _ours(job, Path(scratch), ["--max-error", str(BOUND)], samples, BOUND)
    return {
        "set": job.group,
        "frame": job.path.name,
        "samples": int(samples.size),
        "perigee": exact,
        "jpeg_xl": peers.jpeg_xl(samples),
        "jpeg_ls": peers.jpeg_ls(samples),
        "zstd": peers.zstd(samples),
        "perigee_near": near,
        "jpeg_ls_near": peers.jpeg_ls(samples, BOUND),
    }


def _ours(job: Job, scratch: Path, arguments: list[str], samples: np.ndarray, bound: int) -> int:
    tokens, image = scratch / "frame.pgt", scratch / "frame.tif"
    lanes = ["--lanes", "1"]
    encode = [
        job.tool,
        "encode",
        job.path,
        "-o",
        tokens,
        "--sensor",
        job.sensor,
        *arguments,
        *lanes,
    ]
    run(encode, check=True, capture_output=True)
    run(
        [job.tool, "decode", tokens, "-o", image, *lanes],
        check=True,
        capture_output=True,
    )
    error = np.abs(read_frame(image).samples.astype(np.int64) - samples.astype(np.int64)).max()
    if error > bound:
        raise ValueError(f"{job.path.name}: a sample is wrong by {error}, the bound is {bound}")
    return tokens.stat().st_size

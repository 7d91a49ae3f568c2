"""`make train-smoke` as a test, and the training of the shipped bundle bit for bit (slow)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perigee_cluster.training.codec import ROOT
from perigee_cluster.training.smoke import smoke


def test_a_tiny_bundle_is_trained_twice_to_the_same_octets(tmp_path: Path) -> None:
    smoke(tmp_path)


@pytest.mark.skipif(os.environ.get("PERIGEE_SLOW") != "1", reason="minutes: PERIGEE_SLOW=1 or `make test-slow`")
def test_the_shipped_bundle_is_trained_again_to_the_same_octets(data: Path, tmp_path: Path) -> None:
    assert data.is_dir()
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "Cluster")}
    command = [sys.executable, "-m", "perigee_cluster.training.codec", "--output", str(tmp_path)]
    subprocess.run(command, check=True, env=os.environ | threads)
    for path in sorted((ROOT / "Firmware" / "perigee-1").iterdir()):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name

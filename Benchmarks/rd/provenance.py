"""Where and on what a report was measured, and how its tables get into a page."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from pathlib import Path


def machine() -> dict[str, object]:
    """Processor, cores and system of the machine that measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    cores = sum(line.startswith("processor") for line in lines)
    return {"processor": model, "cores": cores, "system": platform.system(), "python": platform.python_version()}


def commit(root: Path) -> str:
    """The commit measured, with `-dirty` where tracked files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def write_between(path: Path, name: str, text: str) -> None:
    """Replaces what stands between the markers `name begin` and `name end` of a page."""
    begin, end = f"<!-- {name} begin -->", f"<!-- {name} end -->"
    page = path.read_text()
    if begin not in page or end not in page:
        raise ValueError(f"{path.name} lacks {begin} or {end}: put both where the table belongs")
    before, rest = page.split(begin, 1)
    _, after = rest.split(end, 1)
    path.write_text(f"{before}{begin}\n{text}{end}{after}")


def firmware_id(bundle: Path) -> str:
    """First four octets of the SHA-256 of the manifest, little-endian, as `perigee info` says it."""
    digest = hashlib.sha256((bundle / "manifest.json").read_bytes()).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"

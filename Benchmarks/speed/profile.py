"""Where the time of Perigee goes: samples of Linux perf, each put to the folder of Sources/PerigeeCodec it fell in.

Folders are the stages of the codec, and debug information says which folder an address was inlined from, so the codec
needs no timers. Kernels in C are told by their names, OpenBLAS is spectral work, what the system spends on memory is
shown for itself. Time outside the codec (Python around it) is left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from perigee_codec import library_path

FREQUENCY = 997
STAGES = {
    "Mask": "mask",
    "Normalise": "normalise",
    "Wavelet": "wavelet",
    "Spectral": "spectral",
    "Bitplane": "coding",
    "Entropy": "coding",
    "RateControl": "coding",
    "Tile": "coding",
    "Residual": "residual",
    "Frame": "frame",
}
KERNELS = {
    "validity": "mask",
    "normalise": "normalise",
    "lift": "wavelet",
    "level": "wavelet",
    "spectral": "spectral",
    "cut": "coding",
}
MEMORY = "memory and system"
SAMPLE = re.compile(r"^\s*[0-9a-f]+ (?P<symbol>.+?)(?:\+0x(?P<offset>[0-9a-f]+))? \((?P<library>.*)\)$")


def is_available() -> bool:
    """Whether this machine has what a profile needs, and may count."""
    if not all(map(shutil.which, ("perf", "addr2line", "nm"))):
        return False
    with TemporaryDirectory(prefix="perigee-profile-") as scratch:
        command = ["perf", "record", "-q", "-o", f"{scratch}/data", "true"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def profile(arguments: list[str]) -> dict[str, float]:
    """Shares of the stages in the codec's time while `python -m speed.work ARGUMENTS` runs."""
    with TemporaryDirectory(prefix="perigee-profile-") as scratch:
        data = f"{scratch}/data"
        work = [sys.executable, "-m", "speed.work", *arguments]
        subprocess.run(["perf", "record", "-q", "-F", str(FREQUENCY), "-o", data, "--", *work], check=True)
        text = _output(["perf", "script", "-i", data, "-F", "ip,sym,symoff,dso"])
    library = library_path().resolve()
    samples = Counter(line for line in text.splitlines() if line.strip())
    parsed = [(match, count) for line, count in samples.items() if (match := SAMPLE.match(line))]
    addresses = _addresses(library, {m["symbol"] for m, _ in parsed if Path(m["library"]).name == library.name})
    found: Counter[str] = Counter()
    inside: Counter[int] = Counter()
    for match, count in parsed:
        name = Path(match["library"]).name
        if name != library.name:
            stage = stage_outside(name)
            found[stage] += count if stage else 0
        elif match["symbol"] in addresses:
            inside[addresses[match["symbol"]] + int(match["offset"] or "0", 16)] += count
        else:
            found["other"] += count
    for address, stage in zip(inside, _stages(library, list(inside)), strict=True):
        found[stage] += inside[address]
    del found[""]
    total = sum(found.values())
    return {stage: count / total for stage, count in found.most_common()}


def stage_outside(library: str) -> str:
    """The stage of time in another library; empty where it is not the codec's."""
    if "openblas" in library:
        return "spectral"
    return MEMORY if library.startswith(("libc.so", "[kernel")) else ""


def stage_of(frames: list[tuple[str, str]]) -> str:
    """The stage of an address from its inlined frames (function, file), innermost first."""
    for function, file in frames:
        folder = re.search(r"Sources/PerigeeCodec/(\w+)/", file)
        if folder:
            return STAGES.get(folder[1], "other")
        if "CPerigeeKernels" in file:
            return next((stage for part, stage in KERNELS.items() if part in function), "other")
    return "other"


def _output(command: list[str], text: str | None = None) -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def _addresses(library: Path, symbols: set[str]) -> dict[str, int]:
    lines = (line.split() for line in _output(["nm", str(library)]).splitlines())
    return {parts[2]: int(parts[0], 16) for parts in lines if len(parts) == 3 and parts[2] in symbols}


def _stages(library: Path, addresses: list[int]) -> list[str]:
    """The stages of addresses of the library, in their order."""
    text = _output(["addr2line", "-a", "-i", "-f", "-e", str(library)], "".join(f"{a:#x}\n" for a in addresses))
    stages: list[str] = []
    for block in re.split(r"^0x[0-9a-f]+\n", text, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        stages.append(stage_of(list(zip(lines[0::2], lines[1::2], strict=False))))
    return stages

"""The C library of the package perigee-gateway, from outside: its header, and a golden vector through it."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
from pathlib import Path

from faults.daemons import ROOT, TrialError
from service.machine import Machine

VECTOR = ROOT / "Tests/Vectors/codec/3/shipped-l2a.json"
STRICT = ("-pedantic", "-Wall", "-Wextra", "-Werror")


def _compile(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TrialError(f"the installed perigee.h: {' '.join(words)}\n{done.stderr}")


def check_library(machine: Machine) -> None:
    """Compiles against what is installed in the machine, which has no compiler, and runs the program inside."""
    # a machine that has only what Swift asks for may have no `cc`, but Swift brings clang
    compiler = shutil.which("cc") or "clang"
    include = f"-I{machine.root}/usr/include"
    source = str(Path(__file__).with_name("decode.c"))
    _compile(compiler, "-fsyntax-only", "-x", "c++", "-std=c++11", *STRICT, include, source)
    folder = f"/usr/lib/{platform.machine()}-linux-gnu/perigee"
    # what the library itself needs is in the machine
    link = (f"-L{machine.root}{folder}", "-lPerigeeC", f"-Wl,-rpath,{folder}", "-Wl,--allow-shlib-undefined")
    _compile(compiler, "-std=c99", *STRICT, include, "-o", f"{machine.root}/root/decode", source, *link)
    vector = json.loads(VECTOR.read_text())
    description = {
        "profile": "sentinel-2-l2a",
        "bands": [band["name"] for band in vector["bands"]],
        "rows": vector["rows"],
        "columns": vector["columns"],
        "sampleType": vector["type"],
        "nodata": "none",
    }
    size = len(vector["samples"]) // 2
    for prefix in vector["prefixes"]:
        layers = [bytes.fromhex(layer) for layer in vector["layers"][: prefix["layers"]]]
        layers[-1] = layers[-1][: prefix["lastSize"]]
        for index, layer in enumerate(layers):
            (machine.root / f"root/layer-{index}").write_bytes(layer)
        names = " ".join(f"layer-{index}" for index in range(len(layers)))
        bundle = f"/usr/share/perigee/firmware/{Path(vector['model']).name}"
        machine.run(f"./decode {bundle} '{json.dumps(description)}' {size} {names} >samples")
        found = "sha256:" + hashlib.sha256((machine.root / "root/samples").read_bytes()).hexdigest()
        if found != prefix["samples"]:
            raise TrialError(f"libPerigeeC decodes {prefix} to other samples: {found}")
    said = machine.run(f"./decode /nowhere '{{}}' {size} layer-0 2>&1", code=1)
    if "perigee_model_open: " not in said:
        raise TrialError(f"libPerigeeC does not say what is wrong: {said}")

#!/usr/bin/env python3
"""Compares the targets of Package.swift with Scripts/dependency-table.txt; `--write` makes the table anew.

The table is what a review looks at: a new arrow between targets shows as a changed line there.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "Scripts" / "dependency-table.txt"
# what the station's package holds: decision 0031
WITHOUT_GDAL = ("perigeed", "perigee", "perigee-gateway")
# linked statically, Foundation and its tables of all languages are four times as large as the rest of a program
WITHOUT_FOUNDATION = ("perigeed", "perigee", "perigee-gateway", "perigee-imagery")
HEAD = "# Arrows between the targets of Package.swift, checked by lint; check_dependencies.py --write remakes this.\n"


def arrows() -> dict[str, list[str]]:
    """Dependencies by target, without test targets, out of the package's own description."""
    dump = subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, list[str]] = {}
    for target in json.loads(dump)["targets"]:
        if target["type"] == "test":
            continue
        names = [next(iter(dependency.values()))[0] for dependency in target["dependencies"]]
        found[target["name"]] = sorted(names)
    return found


def cycle(found: dict[str, list[str]]) -> list[str]:
    """Targets that depend on themselves through others; empty where all arrows point down."""
    done: set[str] = set()
    while True:
        ready = {name for name, names in found.items() if name not in done and done.issuperset(names)}
        if not ready:
            return sorted(set(found) - done)
        done |= ready


def reached(found: dict[str, list[str]], target: str) -> set[str]:
    """Everything below a target."""
    names = set(found.get(target, []))
    return names.union(*(reached(found, name) for name in names))


def main() -> int:
    found = arrows()
    text = HEAD + "".join(f"{name}: {' '.join(names)}".rstrip() + "\n" for name, names in sorted(found.items()))
    if "--write" in sys.argv[1:]:
        TABLE.write_text(text)
        return 0
    looped = cycle(found)
    if looped:
        sys.stderr.write(f"arrows in a circle among {', '.join(looped)}: let one of them go\n")
        return 1
    for program in WITHOUT_GDAL:
        if "CGDAL" in reached(found, program):
            sys.stderr.write(f"{program} reaches CGDAL: move what works on rasters to PerigeeImagery\n")
            return 1
    for program in WITHOUT_FOUNDATION:
        for target in sorted(reached(found, program) | {program}):
            for file in (ROOT / "Sources" / target).rglob("*.swift"):
                if re.search(r"^\s*(\w+ )?import Foundation$", file.read_text(), re.MULTILINE):
                    sys.stderr.write(f"{file.relative_to(ROOT)} brings Foundation into {program}: use Glibc\n")
                    return 1
    known = TABLE.read_text() if TABLE.exists() else ""
    if known == text:
        return 0
    old, new = set(known.splitlines()), set(text.splitlines())
    for line in sorted(new - old):
        sys.stderr.write(f"not in {TABLE.name}: {line}\n")
    for line in sorted(old - new):
        sys.stderr.write(f"only in {TABLE.name}: {line}\n")
    sys.stderr.write("where the arrow is meant, run Scripts/check_dependencies.py --write and say why in the commit\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

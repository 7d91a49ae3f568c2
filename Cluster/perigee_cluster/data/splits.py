"""Who may see which place: training, validation, test. Read from `Cluster/splits.toml`.

The file is written from the manifest of the sample data by `python -m perigee_cluster.data.splits`; a test computes it
again. Places of the large collections are assigned by a hash of their name; HLS patches of one river (median elevations
less than 5 m apart) count as one place.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from perigee_cluster.data.frames import data_folder

SPLITS_FILE = Path(__file__).resolve().parents[2] / "splits.toml"
ROLES = ("train", "validation", "test")
NAMED = {
    "test": ("ssl4eos12-0173706", "ssl4eos12-0193833", "wc-be2", "dolomites"),
    "validation": ("ssl4eos12-0121563", "wc-be1", "bouconne"),
}
HASHED_FOLDERS = ("eurosat-ms", "hls-water")
SAME_RIVER_METRES = 5


@dataclass(frozen=True)
class Splits:
    """Roles of places by name."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]

    def role(self, place: str) -> str:
        """The role of `place`; a KeyError where the file does not name it, so that nothing unknown is trained on."""
        for name in ROLES:
            if place in getattr(self, name):
                return name
        raise KeyError(f"splits.toml names no role for place {place}: add it before it is read")


def load_splits(path: Path = SPLITS_FILE) -> Splits:
    """Reads the file; a place in two roles is refused."""
    tables = tomllib.loads(path.read_text())
    splits = Splits(**{role: frozenset(tables[role]["places"]) for role in ROLES})
    count = sum(len(getattr(splits, role)) for role in ROLES)
    if len(splits.train | splits.validation | splits.test) != count:
        raise ValueError(f"{path.name}: a place stands in two roles")
    return splits


def hashed_role(name: str) -> str:
    """SHA-256 of the name, first octet modulo 5: 0 test, 1 validation, else train."""
    return {0: "test", 1: "validation"}.get(hashlib.sha256(name.encode()).digest()[0] % 5, "train")


def elevation_groups(elevations: dict[str, int]) -> dict[str, str]:
    """Patch to the name of its elevation group; a gap of 5 m or more between sorted elevations begins a new group."""
    groups: dict[str, str] = {}
    first = previous = None
    for patch, metres in sorted(elevations.items(), key=lambda item: (item[1], item[0])):
        if previous is None or metres - previous >= SAME_RIVER_METRES:
            first = metres
        groups[patch] = f"hls-elevation-{first}"
        previous = metres
    return groups


def compute_splits(folder: Path) -> Splits:
    """Applies the rule to every place of `folder`/manifest.json."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    elevations: dict[str, int] = {}
    for line in (folder / "hls-water" / "labels.csv").read_text().splitlines()[1:]:
        fields = line.split(",")
        patch = "-".join(fields[0].split("_")[0].split("-")[:2])
        elevations[patch] = min(int(fields[4]), elevations.get(patch, 1 << 30))
    groups = elevation_groups(elevations)
    roles: dict[str, set[str]] = {role: set() for role in ROLES}
    for entry in files:
        place, hashed = entry["place"], entry["file"].split("/")[0] in HASHED_FOLDERS
        named = next((role for role, places in NAMED.items() if place in places), "train")
        roles[hashed_role(groups.get(place, place)) if hashed else named].add(place)
    return Splits(**{role: frozenset(places) for role, places in roles.items()})


def render(splits: Splits) -> str:
    """The text of splits.toml."""
    lines = ["# Written by `python -m perigee_cluster.data.splits`; the rule stands there. By place, never by date.\n"]
    for role in ROLES:
        lines.append(f"\n[{role}]\nplaces = [\n{_wrapped(sorted(getattr(splits, role)))}]\n")
    return "".join(lines)


def _wrapped(places: Iterable[str]) -> str:
    return "".join(f'    "{place}",\n' for place in places)


if __name__ == "__main__":
    SPLITS_FILE.write_text(render(compute_splits(data_folder())))

"""Writes a firmware bundle: `manifest.json`, `model.safetensors`, `MODEL_CARD.md`. Same input, same octets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perigee_cluster.training.profiles import Profile
from perigee_cluster.training.safetensors import Tensors, pack

FORMAT = 1
SIZE_LIMIT = 6 << 20
MODEL_FILE, CARD_FILE, MANIFEST_FILE = "model.safetensors", "MODEL_CARD.md", "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """Everything that goes into a bundle. `training` says where the numbers came from and is not read by the codec."""

    name: str
    version: str
    profiles: list[Profile]
    tensors: Tensors
    card: str
    training: Mapping[str, object] = field(default_factory=dict)

    def write(self, folder: Path) -> str:
        """Writes the three files; returns the id that declarations name, as eight hexadecimal digits."""
        files = {MODEL_FILE: pack(self.tensors), CARD_FILE: self.card.encode()}
        manifest = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "profiles": self.profiles,
            "files": {name: _entry(octets) for name, octets in sorted(files.items())},
            "training": dict(self.training),
        }
        text = json.dumps(manifest, indent=1).encode() + b"\n"
        size = len(text) + sum(len(octets) for octets in files.values())
        if size > SIZE_LIMIT:
            raise ValueError(f"bundle has {size} octets, at most {SIZE_LIMIT}: leave tables out")
        folder.mkdir(parents=True, exist_ok=True)
        for name, octets in files.items():
            (folder / name).write_bytes(octets)
        (folder / MANIFEST_FILE).write_bytes(text)
        return f"{int.from_bytes(hashlib.sha256(text).digest()[:4], 'little'):08x}"


def _entry(octets: bytes) -> dict[str, object]:
    return {"size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}

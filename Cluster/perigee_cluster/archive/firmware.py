"""Firmware bundles by the identity that declarations name."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perigee_cluster.archive.declaration import UnknownFirmwareError
from perigee_cluster.archive.octets import FormatError
from perigee_cluster.archive.profiles import Profile
from perigee_codec import CodecError, Model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bundle:
    """A bundle that can be used."""

    model: Model
    profiles: tuple[Profile, ...]


class Firmware:
    """Bundles in some folders, loaded when they are asked for. Each folder is a bundle, or holds bundles."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)
        self._bundles: dict[int, Bundle] = {}

    def bundle(self, firmware: int) -> Bundle:
        """The bundle; looks again each time where it is not known, since bundles come while we run."""
        known = self._bundles.get(firmware)
        if known is not None:
            return known
        for manifest in self._manifests():
            octets = manifest.read_bytes()
            if int.from_bytes(hashlib.sha256(octets).digest()[:4], "little") != firmware:
                continue
            try:
                profiles = tuple(Profile.of_manifest(fields) for fields in json.loads(octets)["profiles"])
                bundle = Bundle(Model.open(manifest.parent), profiles)
            except (CodecError, FormatError, KeyError, ValueError) as error:
                log.warning("bundle=%s unusable: %s", manifest.parent, error)
                continue
            self._bundles[firmware] = bundle
            return bundle
        raise UnknownFirmwareError(firmware)

    def _manifests(self) -> list[Path]:
        found: list[Path] = []
        for folder in self.folders:
            direct = folder / "manifest.json"
            found += [direct] if direct.is_file() else sorted(folder.glob("*/manifest.json"))
        return found

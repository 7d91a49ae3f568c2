"""Settings of the codec's training, read once; unknown keys are errors."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class SpectralConfig:
    """How spectral covariances are fitted; see `spectral.fit`.

    `rotation_efficiency`: bits that coding saves for each nat of an encoder's estimate when it turns a basis towards a
    frame's own; absent: it turns none.
    """

    sets: int
    shrinkage: float
    distortion: float
    reference_pixels: int
    rotation_efficiency: float | None = None

    def __post_init__(self) -> None:
        """Refuses what a firmware cannot hold."""
        if not 1 <= self.sets <= 14:
            raise ValueError(f"[spectral] sets is {self.sets}, must be 1 to 14")
        if min(self.shrinkage, self.rotation_efficiency or 0) < 0 or min(self.distortion, self.reference_pixels) <= 0:
            raise ValueError(
                "[spectral] shrinkage and rotation_efficiency must not be negative; distortion and reference_pixels "
                "must be above 0"
            )


@dataclass(frozen=True)
class TableConfig:
    """How the token coder's start values are learned; see `tables.fit_tables`."""

    ratio: float
    passes: int
    seed: int

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        if self.ratio <= 0 or self.passes < 1:
            raise ValueError("[tables] ratio must be above 0 and passes at least 1")


@dataclass(frozen=True)
class HistoryConfig:
    """How prediction from history is learned; see `history.fit_history`.

    `reach`: acquisitions that the frames of a pair lie apart at most; `memory`: ratios at which the earlier one is
    known; `ratios`: least and greatest target; `crops` windows of `crop` pixels of each pair.
    """

    reach: int
    memory: list[float]
    ratios: list[float]
    crops: int
    crop: int
    passes: int
    seed: int

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        if min(*self.memory, *self.ratios) <= 1 or len(self.ratios) != 2:
            raise ValueError("[history] memory and ratios must be above 1, and ratios two")
        if min(self.reach, self.passes, self.crop) < 1 or self.crops < 0:
            raise ValueError("[history] reach, passes and crop must be at least 1, crops at least 0")


@dataclass(frozen=True)
class CodecConfig:
    """All settings of one bundle."""

    name: str
    version: str
    spectral: SpectralConfig
    tables: TableConfig
    history: HistoryConfig | None = None

    def settings(self) -> dict[str, object]:
        """All that was said, as the manifest of a bundle keeps it."""
        return asdict(self, dict_factory=lambda pairs: {key: value for key, value in pairs if value is not None})

    @classmethod
    def read(cls, path: Path) -> CodecConfig:
        """Reads a TOML file; a TypeError names a key that is unknown or missing."""
        table = tomllib.loads(path.read_text())
        spectral = SpectralConfig(**table.pop("spectral"))
        tables = TableConfig(**table.pop("tables"))
        history = HistoryConfig(**table.pop("history")) if "history" in table else None
        return cls(spectral=spectral, tables=tables, history=history, **table)

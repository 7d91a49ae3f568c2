"""The model card of a firmware bundle."""

from __future__ import annotations

from collections import Counter

from perigee_cluster.training.config import CodecConfig
from perigee_cluster.training.corpus import TrainingFrame
from perigee_cluster.training.pairs import HistoryPair

TEXT = """# {name}, version {version}

What encoder and decoder of Perigee share and cannot work out: spectral covariances by wavelet level, and start values
of the token coder. Statistics only, no network.

**For** optical imagery between 0.44 and 2.2 micrometres, best for Sentinel-2. Other sensors get bases interpolated by
wavelength; sensors without wavelengths get fitted or identity bases.

**Fitted on** {frames} Sentinel-2 frames of {places} training places ({by_folder});
nothing else was seen. Each file with its SHA-256 stands in `manifest.json`. The split is `Cluster/splits.toml`;
settings were chosen on the validation place ssl4eos12-0121563 alone. Not refitted on validation places.
Contains modified Copernicus Sentinel data 2015-2023.

**How.** Within-frame covariances of 9/7 coefficients, one for each level, each of trace 1; L2A frames, which lack B10,
were completed by regression from L1C frames; {sets} sets by clustering, the last common to all. The +1000 offset of
newer processing was taken out first. Start values of the token coder: {passes} passes of the encoder over all frames in
a shuffled order, each coded down to {ratio:g}x. {history}`make train` makes the same octets again.

**Limits.** Few biomes (Europe, some tropics and boreal snow), small frames, no polar or desert scenes of size, no night
imagery. It stays correct on any input: a poor fit costs octets, never exactness.

**Licences of the sources** as their repositories state them: Apache-2.0 (SSL4EO-S12 samples, TerraMind, BigEarthNet
samples), MIT (eo-learn, EOTDL, EuroSAT), none stated (the Lahinch series). Copernicus Sentinel data are free and open
with attribution.
"""


HISTORY = """Prediction from history: profiles of weights by clustering, and tables for what
predictions leave, from {pairs} pairs of frames of {places} training places, the earlier one as decoded at {memory}x;
settings were chosen on wc-be1 (validation). """


def render(config: CodecConfig, frames: list[TrainingFrame], pairs: list[HistoryPair]) -> str:
    """The text for a bundle fitted on `frames` and, for prediction, on `pairs`."""
    history = ""
    if pairs and config.history is not None:
        history = HISTORY.format(
            pairs=len(pairs),
            places=len({pair.files[0].split("/")[1].split("_")[0] for pair in pairs}),
            memory=" to ".join(f"{ratio:g}" for ratio in (min(config.history.memory), max(config.history.memory))),
        )
    folders = Counter(frame.file.split("/")[0] for frame in frames)
    places = {frame.file.split("/")[1].split("_")[0] for frame in frames}
    return TEXT.format(
        name=config.name,
        version=config.version,
        frames=len(frames),
        places=len(places),
        by_folder=", ".join(f"{folder} {count}" for folder, count in folders.items()),
        sets=config.spectral.sets,
        passes=config.tables.passes,
        ratio=config.tables.ratio,
        history=history,
    )

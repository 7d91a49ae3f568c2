"""Profiles of sensors: as a firmware's manifest or a declaration has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perigee_cluster.archive.octets import FormatError, Reader, refuse_unless
from perigee_cluster.data.grid import Band

SAMPLE_TYPES = ("uint8", "uint16", "int16", "int32", "float32")
BAND_LIMIT = 1_024


@dataclass(frozen=True)
class Profile:
    """What is known of a sensor; `bands` in profile order."""

    name: str
    sample_type: str
    peak: float
    scale: float
    offset: float
    nodata: float | None
    bands: tuple[Band, ...]
    definition: Mapping[str, Any] | None = None
    """As `perigee_codec.Stream` takes it; None of a profile that the firmware knows by its name."""

    @classmethod
    def of_manifest(cls, fields: Mapping[str, Any]) -> Profile:
        """One of the `profiles` of a manifest."""
        try:
            bands = tuple(
                Band(
                    band["name"],
                    band.get("centerWavelength"),
                    band.get("fullWidthHalfMax"),
                    band.get("groundSamplingDistance"),
                    bool(band.get("categorical", False)),
                )
                for band in fields["bands"]
            )
            return cls(
                fields["name"], fields["sampleType"], fields["peak"], fields["scale"], fields["offset"],
                fields.get("nodata"), bands,
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"a profile of the manifest lacks {error}") from None

    @classmethod
    def parse(cls, reader: Reader) -> Profile:
        """An inline profile: Docs/packet-format.md section 1."""
        name = reader.text("profile name")
        kind = reader.u8("profile sample type")
        refuse_unless(kind < len(SAMPLE_TYPES), "profile sample type", kind)
        has_nodata = reader.u8("profile nodata flag")
        refuse_unless(has_nodata < 2, "profile nodata flag", has_nodata)
        peak, scale, offset = (reader.f64(f"profile {part}") for part in ("peak", "scale", "offset"))
        refuse_unless(peak > 0 and math.isfinite(peak), "profile peak", peak)
        nodata = reader.f64("profile nodata") if has_nodata else None
        bands = tuple(_band(reader) for _ in range(reader.varint("profile band count", 1, BAND_LIMIT)))
        definition: dict[str, Any] = {
            "name": name,
            "sampleType": SAMPLE_TYPES[kind],
            "peak": peak,
            "scale": scale,
            "offset": offset,
            "bands": [_definition(band) for band in bands],
        }
        if nodata is not None:
            definition["nodata"] = "nan" if math.isnan(nodata) else nodata
        return cls(name, SAMPLE_TYPES[kind], peak, scale, offset, nodata, bands, definition)


def _band(reader: Reader) -> Band:
    name = reader.text("band name")
    flags = reader.u8("band flags")
    refuse_unless(flags < 16, "band flags", flags)
    numbers = [reader.f32("band number") if flags >> bit & 1 else None for bit in range(3)]
    refuse_unless(all(n is None or (n > 0 and math.isfinite(n)) for n in numbers), "band number", numbers)
    return Band(name, *numbers, bool(flags & 8))


def _definition(band: Band) -> dict[str, Any]:
    fields = {
        "name": band.name,
        "centerWavelength": band.wavelength,
        "fullWidthHalfMax": band.width,
        "groundSamplingDistance": band.gsd,
        "categorical": band.is_categorical or None,
    }
    return {name: value for name, value in fields.items() if value is not None}

"""STAC 1.1 items of products: Docs/cluster-products.md section 3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from perigee_cluster.archive import PlacelessError
from perigee_cluster.archive.places import cells, name_id
from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.products.footprint import bbox, footprint
from perigee_cluster.products.product import SOFTWARE, Product, packets_of, ranges
from perigee_cluster.reconstruction import Flag

EXTENSIONS = {
    "eo": "eo/v2.0.0",
    "processing": "processing/v1.2.0",
    "proj": "projection/v2.0.0",
    "raster": "raster/v2.0.0",
}
COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
TITLES = {
    "reconstruction": "Samples",
    "deviation": "One standard deviation of the samples",
    "flags": "What each pixel rests on, bits",
}
NAMES = (
    (0.40, 0.45, "coastal"), (0.45, 0.51, "blue"), (0.51, 0.60, "green"), (0.62, 0.69, "red"),
    (0.70, 0.715, "rededge071"), (0.73, 0.75, "rededge075"), (0.775, 0.79, "rededge078"), (0.80, 0.85, "nir"),
    (0.85, 0.88, "nir08"), (0.93, 0.95, "nir09"), (1.36, 1.39, "cirrus"), (1.55, 1.75, "swir16"),
    (2.08, 2.35, "swir22"), (10.5, 11.5, "lwir11"), (11.5, 12.5, "lwir12"),
)  # fmt: skip
YEAR_10000 = 253_402_300_799_999


def moment(time: np.datetime64) -> str:
    """RFC 3339, to the millisecond where there is one; clocks may be wrong by any amount, RFC 3339 ends with 9999."""
    milliseconds = int(np.clip(time.astype("datetime64[ms]").astype(np.int64), -62_167_219_200_000, YEAR_10000))
    exact = np.datetime64(milliseconds, "ms")
    return f"{exact if milliseconds % 1_000 else exact.astype('datetime64[s]')}Z"


def item(product: Product) -> dict[str, Any]:
    """The item; the same product gives the same octets."""
    geometry = None if product.ground is None else footprint(product.ground)
    made: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": product.name.item,
        "geometry": geometry,
        "properties": {**_times(product), **_place(product), **_origin(product)},
        "links": [],
        "assets": dict(_assets(product)),
    }
    if geometry is not None:
        made["bbox"] = bbox(geometry)
    prefixes = set(_prefixes(made))
    base = "https://stac-extensions.github.io/"
    made["stac_extensions"] = [f"{base}{name}/schema.json" for key, name in EXTENSIONS.items() if key in prefixes]
    return made


def packed(made: dict[str, Any]) -> bytes:
    """The octets of its file; keys are sorted."""
    return (json.dumps(made, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def places_of(made: dict[str, Any]) -> list[str]:
    """Ids of the places that an item shows; none where none can be told."""
    fields = made["properties"]
    if fields.get("proj:transform") is not None:
        try:
            return [
                cell.id
                for cell in cells(Grid(fields["proj:code"], tuple(fields["proj:transform"]), *fields["proj:shape"]))
            ]
        except PlacelessError:
            pass
    return [name_id(fields["perigee:station"], fields["perigee:place"])] if "perigee:place" in fields else []


def _times(product: Product) -> dict[str, Any]:
    time = product.name.time
    if time is not None:
        return {"datetime": moment(time)}
    received = moment(np.datetime64(product.frame.row.received, "ms"))
    return {"datetime": None, "start_datetime": received, "end_datetime": received}


def _place(product: Product) -> dict[str, Any]:
    grid, declaration = product.ground, product.declaration
    fields: dict[str, Any] = {
        "proj:code": None if grid is None else grid.crs,
        "proj:shape": list(product.valid_BHW.shape[1:]),
    }
    if grid is not None:
        fields["proj:transform"] = list(grid.transform)
    known = [band.gsd for band in declaration.bands if band.gsd is not None]
    if known:
        fields["gsd"] = min(known)
    if product.is_observed and product.frame.metadata is not None and product.frame.metadata.place is not None:
        fields["perigee:place"] = product.frame.metadata.place
    return fields


def _origin(product: Product) -> dict[str, Any]:
    made, content, frame = product.made, product.content, product.frame
    raw = product.valid_BHW.size * np.dtype(product.declaration.sample_type).itemsize
    flags = made.flags_HW
    fields: dict[str, Any] = {
        "processing:software": {"perigee_cluster": SOFTWARE.split()[1]},
        "processing:lineage": f"{made.method} of {len(content.layers)} layers of tokens with firmware "
        f"{product.declaration.firmware:08x}, {len(made.used)} frames of history",
        "perigee:sensor": frame.sensor,
        "perigee:station": product.name.station,
        "perigee:epoch": product.name.epoch,
        "perigee:frame": product.name.number,
        "perigee:observed": product.is_observed,
        "perigee:references": list(frame.references) if product.is_observed else [],
        "perigee:firmware": f"{product.declaration.firmware:08x}",
        "perigee:layers": len(content.layers),
        "perigee:layer_bytes": [len(layer) for layer in content.layers],
        "perigee:packets": len(content.packet_ids),
        "perigee:packet_ids": ranges(content.packet_ids),
        "perigee:packet_bytes": content.octets,
        "perigee:packets_digest": packets_of(content),
        "perigee:raw_bytes": raw,
        "perigee:ratio": round(raw / content.octets, 2) if content.octets else None,
        "perigee:method": made.method,
        "perigee:version": product.version,
        "perigee:grade": product.grade,
        "perigee:agreement": {"sent": made.agreement.sent, "held": made.agreement.held, "share": made.agreement.share},
        "perigee:fallback": _share(flags, Flag.FALLBACK),
        "perigee:history_dominated": _share(flags, Flag.HISTORY_DOMINATED),
        "perigee:history": [_past(product, one) for one in made.used],
    }
    if product.layers is not None:
        fields["perigee:layer_limit"] = product.layers
    if made.notes:
        fields["perigee:notes"] = list(made.notes)
    return fields


def _share(flags: np.ndarray, flag: Flag) -> float:
    return round(float(((flags & int(flag)) > 0).mean()), 6)


def _past(product: Product, used: str) -> dict[str, Any]:
    past = next((one for one in product.history if one.id == used), None)
    if past is None:
        raise ValueError(f"method {product.made.method} used {used}, which it was not given")
    fields: dict[str, Any] = {"id": past.id, "packet_bytes": past.octets, "packet_ids": ranges(past.packet_ids)}
    fields["datetime"] = None if past.time is None else moment(past.time)
    if past.time is not None and product.name.time is not None:
        days = (product.name.time - past.time) / np.timedelta64(1, "D")
        fields["age_days"] = round(float(days), 3)
    return fields


def _assets(product: Product) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, title in TITLES.items():
        yield (
            kind,
            {
                "href": "./" + product.name.asset(kind, product.version),
                "title": title,
                "type": COG_TYPE,
                "roles": {"reconstruction": ["data"], "deviation": ["uncertainty"], "flags": ["data-mask"]}[kind],
                "bands": [{"name": "flags", "data_type": "uint8"}]
                if kind == "flags"
                else [_band(product, band, kind) for band in product.declaration.bands],
            },
        )


def _band(product: Product, band: Band, kind: str) -> dict[str, Any]:
    declaration = product.declaration
    is_deviation = kind == "deviation"
    fields: dict[str, Any] = {"name": band.name, "data_type": "float32" if is_deviation else declaration.sample_type}
    if is_deviation:
        fields["nodata"] = "nan"
    elif declaration.nodata is not None:
        fields["nodata"] = "nan" if np.isnan(declaration.nodata) else declaration.nodata
    if band.gsd is not None:
        fields["gsd"] = band.gsd
    if band.wavelength is not None:
        fields["eo:center_wavelength"] = band.wavelength
        name = next((name for low, high, name in NAMES if low <= band.wavelength <= high), None)
        if name is not None and not band.is_categorical:
            fields["eo:common_name"] = name
    if band.width is not None:
        fields["eo:full_width_half_max"] = band.width
    if not band.is_categorical:
        fields["raster:scale"] = declaration.scale
        fields["raster:offset"] = 0.0 if is_deviation else declaration.offset
    return fields


def _prefixes(value: Any) -> Iterator[str]:
    """What stands before the colon of a name, anywhere."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if ":" in name:
                yield name.split(":")[0]
            yield from _prefixes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _prefixes(inner)

"""From an archived frame to a product."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive import Archive, ArchivedFrame, NotDecodableError, PlacelessError, State
from perigee_cluster.archive.content import Content
from perigee_cluster.archive.places import Cell
from perigee_cluster.history.clear import measured
from perigee_cluster.history.frame import HistoryFrame
from perigee_cluster.history.lattice import Lattice
from perigee_cluster.history.store import History
from perigee_cluster.products.product import ASSETS, MEASURED, Name, Past, Product, version_of
from perigee_cluster.products.raster import Look, as_sent, cog
from perigee_cluster.reconstruction import AnyDate, Deterministic, Flag, Reconstructor, RegressProject, Request
from perigee_codec import CodecError

DEPTH = 12
"""Frames of history that a method is given; it takes what serves."""
METHODS: dict[str, Reconstructor] = {method.name: method for method in (Deterministic(), RegressProject())}
"""By their ids; another result means another id."""
ANY_DATE = AnyDate()
"""The method of dates that nobody observed."""
RECONSTRUCTED = RegressProject().name
"""The method of a reconstruction where nobody names one."""


def method_of(name: str) -> Reconstructor:
    """The method of an id."""
    try:
        return METHODS[name]
    except KeyError:
        raise ValueError(f"method is {name!r}, must be one of {', '.join(METHODS)}") from None


def name_of(frame: ArchivedFrame, method: str, layers: int | None = None) -> Name:
    """What the product of a frame is called."""
    if frame.number is None or frame.sensor is None:
        raise NotDecodableError(frame.state, frame.reason or "its declaration has not come")
    return Name(frame.station, frame.epoch.hex(), frame.number, frame.time, frame.sensor, method, layers)


def make(
    archive: Archive, history: History, frame: ArchivedFrame, method: str, layers: int | None = None,
    content: Content | None = None,
) -> Product:  # fmt: skip
    """The product of a frame as its packets are now. Raises NotDecodableError where they give none, and ValueError
    where the method refuses them."""
    reconstructor = method_of(method)
    content = content or archive.content(frame)
    if layers is not None and layers < len(content.layers):
        content = Content(
            content.metadata, content.layers[:layers], min(content.complete, layers), content.packet_ids,
            content.octets - sum(map(len, content.layers[layers:])), content.damage,
        )  # fmt: skip
    else:
        layers = None
    name, declaration = name_of(frame, method, layers), frame.declaration
    assert declaration is not None  # or it has no name
    tokens = archive.tokens(frame, content=content)
    past = [] if method == MEASURED else _past(history, frame)
    try:
        valid = measured(tokens.decode(), declaration.nodata)
        made = reconstructor.reconstruct(Request(tokens, frame.time, declaration.bands, past, frame.grid, None, valid))
    except CodecError as error:
        raise NotDecodableError(State.REFUSED, str(error)) from None
    given = tuple(Past.of(one) for one in past)
    return Product(
        name, frame, declaration, content, made, valid, given, version_of(content, layers, given, method), frame.grid
    )  # fmt: skip


def unobserved_name(template: ArchivedFrame, place: str, time: np.datetime64) -> Name:
    """What the product of a place is called at a date that nobody observed."""
    if template.sensor is None:
        raise NotDecodableError(template.state, template.reason or "its declaration has not come")
    digest = hashlib.sha256(place.encode()).hexdigest()[:32]
    return Name("places", digest, 0, time, template.sensor, ANY_DATE.name)


def make_unobserved(history: History, template: ArchivedFrame, place: str, time: np.datetime64) -> Product:
    """A place at a date that nobody observed, on the bands of `template` and what that frame shows of it. Raises
    ValueError where nothing is known of the place."""
    name, declaration = unobserved_name(template, place, time), template.declaration
    assert declaration is not None  # or it has no name
    cell, grid = Cell.parse(place), None
    rows, columns = declaration.rows, declaration.columns
    if cell is not None and template.grid is not None:
        lattice, shown = Lattice.of(template.grid)
        # what no frame shows of a cell would count as clouded everywhere
        grid = lattice.grid(lattice.window(cell).meet(shown))
        rows, columns = grid.rows, grid.columns
    past = history.frames(grid or place, time, DEPTH, like=declaration)
    shape = (len(declaration.bands), rows, columns)
    made = ANY_DATE.reconstruct(Request(None, time, declaration.bands, past, grid, shape))
    valid = np.broadcast_to((made.flags_HW & int(Flag.NO_DATA)) == 0, shape)
    given, content = tuple(Past.of(one) for one in past), Content()
    version = version_of(content, None, given, name.method)
    return Product(name, template, declaration, content, made, valid, given, version, grid, is_observed=False)


def _past(history: History, frame: ArchivedFrame) -> list[HistoryFrame]:
    grid = frame.grid
    try:
        ground = grid if grid is not None and grid.is_north_up else frame.places()[0]
    except PlacelessError:
        return []
    return history.frames(ground, frame.time, DEPTH, without=frame.id, like=frame.declaration)


def rasters(product: Product) -> dict[str, bytes]:
    """The octets of each asset."""
    declaration, made = product.declaration, product.made
    names = [band.name for band in declaration.bands]
    is_categorical = any(band.is_categorical for band in declaration.bands)
    samples = _with_nodata(
        as_sent(made.samples_BHW, np.dtype(declaration.sample_type)), product.valid_BHW, declaration.nodata
    )
    deviation = np.where(product.valid_BHW, made.deviation_BHW, np.float32("nan"))
    tags, grid = _tags(product), product.ground
    looks = {
        "reconstruction": Look(
            names, grid, declaration.nodata, declaration.scale, declaration.offset, tags,
            "nearest" if is_categorical else "average",
        ),
        "deviation": Look(names, grid, float("nan"), declaration.scale, 0.0, tags),
        "flags": Look(["flags"], grid, None, tags=tags, resampling="nearest"),
    }  # fmt: skip
    arrays = {"reconstruction": samples, "deviation": deviation, "flags": made.flags_HW[np.newaxis]}
    return {kind: cog(arrays[kind], looks[kind]) for kind in ASSETS}


def _with_nodata(samples: NDArray[np.generic], valid: NDArray[np.bool_], nodata: float | None) -> NDArray[np.generic]:
    if nodata is None or valid.all():
        return samples
    return np.where(valid, samples, samples.dtype.type(nodata))


def _tags(product: Product) -> dict[str, str]:
    frame = product.frame
    tags = {
        "sensor": str(frame.sensor), "perigee_epoch": product.name.epoch, "perigee_frame": str(product.name.number),
        "perigee_firmware": f"{product.declaration.firmware:08x}", "perigee_layers": str(len(product.content.layers)),
        "perigee_packet_bytes": str(product.content.octets), "perigee_method": product.made.method,
        "perigee_version": product.version, "perigee_grade": product.grade,
    }  # fmt: skip
    time = product.name.time
    if time is not None:
        second = str(time.astype("datetime64[s]"))
        tags |= {"TIFFTAG_DATETIME": second.replace("-", ":").replace("T", " "), "datetime": f"{time}Z"}
    return tags

"""A second decoder of token files, written from Docs/packet-format.md alone: it proves that the page suffices.

Nothing here is shared with the codec. It is slow (seconds for a small frame) and refuses what the page does not name.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from reference_coder import Decoder, OutOfOctets
from reference_container import Band, Declaration, Profile, TokenFile, refuse_unless, token_file
from reference_contexts import Subband, Tables
from reference_history import HistoryTensors, Prediction, hash_of, moved, predicted_part, read_prediction
from reference_mask import decode_mask
from reference_residual import Residual, ResidualTile, residual_layer
from reference_spectra import Spectrum, take_record
from reference_tokens import TileDecoder, tile_count, tile_edges, tile_subbands
from reference_transform import (
    FITTED,
    IDENTITY,
    Singles,
    SpectralTensors,
    bases_of,
    coding_order,
    finish,
    forward_wavelet,
    sides,
    synthesise,
    to_samples,
)

SCALES = (np.float32(1), np.float32(1.4142135623730951))
TENSOR_TYPES = {"F64": "<f8", "F32": "<f4", "I32": "<i4", "U32": "<u4", "I16": "<i2", "U16": "<u2", "U8": "|u1"}


@dataclass
class Firmware:
    """A bundle as a decoder needs it."""

    identity: int
    profiles: list[Profile]
    spectral: SpectralTensors
    tables: Tables
    history: HistoryTensors

    @classmethod
    def load(cls, folder: Path) -> Firmware:
        """Reads manifest.json and model.safetensors."""
        manifest = (folder / "manifest.json").read_bytes()
        tensors = safetensors((folder / "model.safetensors").read_bytes())
        profiles = [profile_of(entry) for entry in json.loads(manifest)["profiles"]]
        return cls.of(int.from_bytes(hashlib.sha256(manifest).digest()[:4], "little"), profiles, tensors)

    @classmethod
    def of(cls, identity: int, profiles: list[Profile], tensors: dict[str, NDArray[np.generic]]) -> Firmware:
        """From what a bundle holds."""
        wavelengths, mean = (tensors[f"spectral/{name}"].astype(float).tolist() for name in ("wavelengths", "mean"))
        covariance = np.asarray(tensors["spectral/covariance"], np.float64)
        return cls(
            identity,
            profiles,
            SpectralTensors(wavelengths, mean, covariance),
            Tables.of(tensors),
            HistoryTensors.of(tensors),
        )


def safetensors(octets: bytes) -> dict[str, NDArray[np.generic]]:
    """Tensors by name."""
    (size,) = struct.unpack_from("<Q", octets)
    tensors = {}
    for name, entry in json.loads(octets[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(octets[begin:end], TENSOR_TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def profile_of(entry: dict) -> Profile:
    """A profile of the manifest."""
    bands = [
        Band(b["name"], b.get("centerWavelength"), b.get("groundSamplingDistance"), b.get("isCategorical", False))
        for b in entry["bands"]
    ]
    nodata = entry.get("nodata")
    return Profile(
        entry["name"],
        entry["sampleType"],
        float(entry["peak"]),
        float(entry.get("scale", 1)),
        float(entry.get("offset", 0)),
        None if nodata is None else float(nodata),
        bands,
    )


@dataclass
class Head:
    """The frame head of section 5.4."""

    mode: int = IDENTITY
    scale: int = 0
    has_mask: bool = False
    has_records: bool = False
    parameters: bytes = b""
    residual_layer: int | None = None


@dataclass
class Tile:
    """What the layers hold of one tile."""

    spectrum: Spectrum
    octets: bytes = b""
    is_whole: bool = True

    def append(self, segment: bytes, length: int, head: Head, bands: int, several: bool) -> None:
        """The tile's part of one layer, of which `segment` is at hand."""
        if not self.is_whole:
            return
        self.is_whole = len(segment) == length
        rest = take_record(segment, self.spectrum, bands, several) if head.has_records else segment
        self.is_whole = self.is_whole and rest is not None
        self.octets += rest or b""


def split_layers(layers: list[bytes], bands: int, tiles: int, levels: int) -> tuple[Head | None, list[Tile]]:
    """Head and tiles; no head where the frame ends before or inside of it."""
    parts = [Tile(Spectrum(IDENTITY, [True] * levels)) for _ in range(tiles)]
    head: Head | None = None
    for number, layer in enumerate(layers):
        if not layer:
            continue
        if head is not None and number == head.residual_layer:
            break
        rest = layer
        if head is None:
            refuse_unless(layer[:1] != b"\xff" or layer[1:2] < b"\xe0", "first layer", "a residual layer")
            start = 1 + (layer[0] >> 7)
            mode = layer[0] & 15
            size = bands + bands * (bands - 1) // 2 if mode == FITTED else 0
            if len(layer) < start + size:
                return None, parts
            refuse_unless(start == 1 or 1 <= layer[1] < 32, "frame head extension", layer[:2])
            parameters = layer[start : start + size]
            refuse_unless(128 not in parameters[bands:], "fitted basis", "-128")
            residual = layer[1] if start == 2 else None
            flags = layer[0]
            head = Head(mode, flags >> 4 & 1, bool(flags & 64), bool(flags & 32), parameters, residual)
            possible = mode != IDENTITY and 1 < bands <= 64 and levels > 0
            refuse_unless(possible or not head.has_records, "records", "where there can be none")
            for part in parts:
                part.spectrum.mode = mode
            rest = layer[start + size :]
        if not rest:
            continue
        if tiles == 1:
            parts[0].append(rest, len(rest), head, bands, False)
        elif not take_segments(rest, parts, head, bands):
            break
    return head, parts


def take_segments(rest: bytes, tiles: list[Tile], head: Head, bands: int) -> bool:
    """Section 5.9 for one layer; False where its table is cut."""
    count = len(tiles)
    flags = rest[: (count + 7) // 8]
    position = len(flags)
    if position < (count + 7) // 8:
        return False
    refuse_unless(int.from_bytes(flags, "little") >> count == 0, "table of tiles", "bits beyond the last tile")
    lengths = {}
    for tile in range(count):
        if not flags[tile // 8] >> tile % 8 & 1:
            continue
        value = shift = 0
        while True:
            if position >= len(rest):
                return False
            octet = rest[position]
            position += 1
            value |= (octet & 127) << shift
            shift += 7
            if octet < 128:
                refuse_unless(shift == 7 or octet != 0, "segment length", "longer than needed")
                break
            refuse_unless(shift < 35, "segment length", "longer than needed")
        refuse_unless(1 <= value < 1 << 31, "segment length", value)
        lengths[tile] = value
    for tile, length in lengths.items():
        segment = rest[position : position + length]
        position += len(segment)
        tiles[tile].append(segment, length, head, bands, True)
    return True


def decode_layers(file: TokenFile, firmware: Firmware, reference: Singles | None = None) -> NDArray[np.generic]:
    """Samples [bands][rows][columns] in the order of the declaration, from the layers at hand.

    `reference`: of a predicted frame what the frames that its metadata names make, bands in coding order."""
    declared = file.declaration
    bands, rows, columns = len(declared.bands), declared.rows, declared.columns
    shape = (bands, rows, columns)
    if declared.verbatim:
        dtype = np.dtype(declared.sample_type).newbyteorder("<")
        octets = np.frombuffer(imagecodecs.zstd_decode(file.layers[0]), np.uint8)
        return np.frombuffer(octets.reshape(dtype.itemsize, -1).T.tobytes(), dtype).reshape(shape)
    refuse_unless(reference is not None or not file.metadata.references, "reference", "missing")
    if reference is not None and file.metadata.references:
        refuse_unless(hash_of(reference) == file.metadata.reference_hash, "reference", "another one")
    down, across = tile_count(rows), tile_count(columns)
    levels = len(sides(rows, columns)) - 1
    head, tiles = split_layers(file.layers, bands, down * across, levels)
    head = head or Head()
    components = np.zeros(shape, np.float32)
    missing = np.zeros(shape, bool)
    history = None if reference is None else History(file, firmware, reference, head)
    for tile, part in enumerate(tiles):
        y0, y1 = tile_edges(down, rows, tile // across, 0, rows)
        x0, x1 = tile_edges(across, columns, tile % across, 0, columns)
        area, subbands = np.s_[:, y0:y1, x0:x1], tile_subbands(rows, columns, tile)
        decoder, tables, goes_on = Decoder(part.octets), firmware.tables, True
        if head.has_mask:
            try:
                decode_mask(decoder, missing[area])
            except OutOfOctets:
                goes_on = False
        found = None
        if history is not None:
            found = Prediction()
            if goes_on:
                found, goes_on = read_prediction(decoder, firmware.history, (y1 - y0, x1 - x0), levels, bands)
            tables = firmware.tables if found is None else firmware.history.tables
        if goes_on:
            coder = TileDecoder(decoder, tables.start(), bands, subbands, levels)
            coder.run()
            coder.reconstruct(components, SCALES[head.scale])
        if history is not None and found is not None:
            history.add(found, part.spectrum, subbands, components)
    regions = [
        (tile_subbands(rows, columns, tile), part.spectrum.mode, part.spectrum.rotations)
        for tile, part in enumerate(tiles)
    ]
    values = synthesise(components, regions, head.parameters, declared, firmware.spectral)
    valid = np.empty(shape, bool)
    order = coding_order(declared)
    valid[order] = ~missing
    residual = None
    if head.residual_layer is not None:
        residual = residual_layer(file.layers, head.residual_layer, declared.sample_type, bands)
    if residual is None:
        return to_samples(values, declared, valid)
    plain = to_samples(values, replace(declared, nodata=None), np.ones(shape, bool))
    refined = refine(plain[order], ~missing, residual, declared, down, across)
    samples = np.empty_like(plain)
    samples[order] = refined
    return finish(samples, declared, valid)


class History:
    """The reference of a frame, as its tiles add it to their coefficients."""

    def __init__(self, file: TokenFile, firmware: Firmware, reference: Singles, head: Head) -> None:
        self.tensors, self.reference = firmware.history, reference
        self.bases = bases_of(head.parameters, file.declaration, firmware.spectral)
        self.wavelets: dict[tuple[int, int], Singles] = {}

    def add(self, found: Prediction, spectrum: Spectrum, subbands: list[Subband], components: Singles) -> None:
        """Section 5.12 for one tile."""
        if found.move not in self.wavelets:
            planes = moved(self.reference, found.move)
            self.wavelets[found.move] = np.stack([forward_wavelet(plane) for plane in planes])
        bases = self.bases(spectrum.mode, spectrum.rotations)
        parts = predicted_part(found, self.tensors, self.wavelets[found.move], subbands, bases)
        for band, part in zip(subbands, parts, strict=True):
            region = components[:, band.row : band.row + band.rows, band.column : band.column + band.columns]
            region += part


def refine(
    samples: NDArray[np.generic],
    valid: NDArray[np.bool_],
    residual: Residual,
    declared: Declaration,
    down: int,
    across: int,
) -> NDArray[np.generic]:
    """Section 5.11: samples and masks in coding order; every tile by itself."""
    rows, columns = declared.rows, declared.columns
    parts = [Tile(Spectrum(IDENTITY, [])) for _ in range(down * across)]
    if len(parts) == 1:
        parts[0].octets = residual.octets
    else:
        take_segments(residual.octets, parts, Head(), len(samples))
    for tile, octets in enumerate(part.octets for part in parts):
        if octets:
            y0, y1 = tile_edges(down, rows, tile // across, 0, rows)
            x0, x1 = tile_edges(across, columns, tile % across, 0, columns)
            area = np.s_[:, y0:y1, x0:x1]
            part = ResidualTile(Decoder(octets), samples[area], valid[area], residual.bounds, declared)
            samples[area] = part.run()
    return samples


def decode(octets: bytes, firmware: Firmware) -> NDArray[np.generic]:
    """A whole token file."""
    file = token_file(octets, firmware.profiles)
    refuse_unless(file.declaration.firmware == firmware.identity, "firmware", f"{file.declaration.firmware:08x}")
    return decode_layers(file, firmware)

"""Strict synthesis, written from Docs/packet-format.md sections 5.1 to 5.3 alone.

Python floats are doubles; NumPy does single precision element by element, which the page asks for. Nothing is fused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from reference_container import Band, Declaration
from reference_spectra import Rotation, turned

Singles = NDArray[np.float32]
Matrix = list[list[float]]

F = np.float32
ALPHA, BETA = F(-1.586134342059924), F(-0.052980118572961)
GAMMA, DELTA = F(0.882911075530934), F(0.443506852043971)
KAPPA, RHO = F(1.1496043988602411), F(0.8698644516247813)
NEAR_MICROMETRES, NEAR_GAIN = 0.3, 1.03125
QUARTERS = (1.0, 1.189207115002721, 1.4142135623730951, 1.681792830507429)
IDENTITY, FITTED = 14, 15
LOW = 3


@dataclass
class Placed:
    """Where a band lies among the reference wavelengths: between p and q, at t."""

    p: int
    q: int
    t: float
    near: bool


@dataclass
class SpectralTensors:
    """Firmware tensors as lists of doubles."""

    wavelengths: list[float]
    mean: list[float]
    covariance: NDArray[np.float64]


def coding_order(declared: Declaration) -> list[int]:
    """Positions among the samples' bands, in coding order."""
    bands = declared.bands
    positions = range(len(bands))
    if declared.profile.known:
        return sorted(positions, key=lambda i: declared.band_indices[i])
    return sorted(positions, key=lambda i: (bands[i].wavelength or math.inf, bands[i].name.encode()))


def place(band: Band, wavelengths: list[float]) -> Placed | None:
    """None for a band that stands alone."""
    if band.wavelength is None:
        return None
    value = float(F(band.wavelength))
    for index, reference in enumerate(wavelengths):
        if abs(value - reference) <= 1e-6:
            return Placed(index, index, 0.0, False)
    last = len(wavelengths) - 1
    if value < wavelengths[0]:
        return Placed(0, 0, 0.0, True) if wavelengths[0] - value <= NEAR_MICROMETRES else None
    if value > wavelengths[last]:
        return Placed(last, last, 0.0, True) if value - wavelengths[last] <= NEAR_MICROMETRES else None
    i = max(index for index in range(last) if wavelengths[index] < value)
    return Placed(i, i + 1, (value - wavelengths[i]) / (wavelengths[i + 1] - wavelengths[i]), True)


def mean_of(placed: Placed | None, mean: list[float]) -> float:
    """The firmware's mean of a band; 0 for bands alone."""
    return 0.0 if placed is None else (1 - placed.t) * mean[placed.p] + placed.t * mean[placed.q]


def covariance_of(places: list[Placed | None], full: NDArray[np.float64]) -> Matrix:
    """Covariance of the frame's bands from one covariance [m][m] of the firmware."""

    def tensor(i: int, j: int) -> float:
        return float(full[min(i, j), max(i, j)])

    n = len(places)
    result = [[0.0] * n for _ in range(n)]
    for b in range(n):
        for d in range(b, n):
            first, second = places[b], places[d]
            if first is None or second is None:
                continue
            p, q, t, r, s, u = first.p, first.q, first.t, second.p, second.q, second.t
            value = (1 - t) * ((1 - u) * tensor(p, r) + u * tensor(p, s))
            value = value + t * ((1 - u) * tensor(q, r) + u * tensor(q, s))
            if b == d and first.near:
                value = value * NEAR_GAIN
            result[b][d] = result[d][b] = value
    known = [result[b][b] for b in range(n) if places[b] is not None]
    total = known[0]
    for value in known[1:]:
        total = total + value
    for b in range(n):
        if places[b] is None:
            result[b][b] = total / len(known)
    return result


def fitted_covariance(octets: bytes, n: int) -> Matrix:
    """The covariance of mode 15 from the octets of the frame."""
    variances = [2.0 ** (u // 4) * QUARTERS[u % 4] for u in octets[:n]]
    result = [[variances[b] if b == d else 0.0 for d in range(n)] for b in range(n)]
    position = n
    for b in range(n):
        for d in range(b + 1, n):
            i = int.from_bytes(octets[position : position + 1], "little", signed=True)
            position += 1
            z = i / 127
            r = z * (1.5 - 0.5 * (z * z))
            result[b][d] = result[d][b] = r * math.sqrt(variances[b] * variances[d])
    return result


def basis_of(covariance: Matrix) -> Singles:
    """Cyclic Jacobi; rows are components."""
    n = len(covariance)
    c_ = [row[:] for row in covariance]
    v = [[1.0 if i == j else 0.0 for j in range(n)] for i in range(n)]
    threshold = 2.0**-52 * max(abs(c_[b][b]) for b in range(n))
    for _ in range(16):
        rotated = False
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(c_[p][q]) > threshold:
                    _rotate(c_, v, p, q)
                    rotated = True
        if not rotated:
            break
    order = sorted(range(n), key=lambda k: -c_[k][k])
    rows = []
    for k in order:
        row = [v[b][k] for b in range(n)]
        total = row[0]
        for value in row[1:]:
            total = total + value
        rows.append([-value for value in row] if total < 0 else row)
    return np.array(rows, np.float64).astype(np.float32)


def _rotate(c_: Matrix, v: Matrix, p: int, q: int) -> None:
    theta = (c_[q][q] - c_[p][p]) / (2 * c_[p][q])
    t = 1 / (abs(theta) + math.sqrt(theta * theta + 1))
    if theta < 0:
        t = -t
    c = 1 / math.sqrt(t * t + 1)
    s = t * c
    c_[p][p] = c_[p][p] - t * c_[p][q]
    c_[q][q] = c_[q][q] + t * c_[p][q]
    c_[p][q] = c_[q][p] = 0.0
    for k in range(len(c_)):
        if k not in (p, q):
            x, y = c_[k][p], c_[k][q]
            c_[k][p] = c_[p][k] = c * x - s * y
            c_[k][q] = c_[q][k] = s * x + c * y
    for k in range(len(c_)):
        x, y = v[k][p], v[k][q]
        v[k][p], v[k][q] = c * x - s * y, s * x + c * y


def level_shift(bands: list[Band]) -> int:
    """How many levels the frame's grid is coarser than 10 m."""
    known = [float(F(band.gsd)) for band in bands if band.gsd is not None]
    x, shift = min(known, default=10.0) / 10, 0
    while x >= 1.4142135623730951 and shift < 9:
        x, shift = x / 2, shift + 1
    while x < 0.7071067811865476 and shift > -9:
        x, shift = x * 2, shift - 1
    return shift


def sides(rows: int, columns: int) -> list[tuple[int, int]]:
    """h_l x w_l for l = 0 ... L."""
    result = [(rows, columns)]
    while max(result[-1]) > 1 and len(result) <= 9:
        h, w = result[-1]
        result.append(((h + 1) // 2, (w + 1) // 2))
    return result


def _inverse_step(low: Singles, high: Singles) -> Singles:
    """Along the first axis."""
    m, n = low.shape[0], high.shape[0]
    if n == 0:
        return low
    e, o = low * RHO, high * KAPPA

    def around_e() -> Singles:
        before = np.concatenate([o[:1], o])[:m]
        after = np.concatenate([o, o[-1:]])[:m]
        return before + after

    def around_o() -> Singles:
        return e[:n] + np.concatenate([e, e[-1:]])[1 : n + 1]

    e = e - DELTA * around_e()
    o = o - GAMMA * around_o()
    e = e - BETA * around_e()
    o = o - ALPHA * around_o()
    result = np.empty((m + n, *low.shape[1:]), np.float32)
    result[0::2], result[1::2] = e, o
    return result


def inverse_wavelet(plane: Singles) -> Singles:
    """Section 5.2 on one plane."""
    out = plane.copy()
    ladder = sides(*plane.shape)
    for (h, w), (h2, w2) in zip(ladder[-2::-1], ladder[:0:-1], strict=True):
        region = out[:h, :w]
        region = _inverse_step(region[:h2], region[h2:])
        region = _inverse_step(region[:, :w2].T, region[:, w2:].T).T
        out[:h, :w] = region
    return out


def _forward_step(x: Singles) -> Singles:
    """Along the first axis; the low part before the high one."""
    e, o = x[0::2], x[1::2]
    m, n = len(e), len(o)
    if n == 0:
        return x

    def around_e(o: Singles) -> Singles:
        return np.concatenate([o[:1], o])[:m] + np.concatenate([o, o[-1:]])[:m]

    def around_o(e: Singles) -> Singles:
        return e[:n] + np.concatenate([e, e[-1:]])[1 : n + 1]

    o = o + ALPHA * around_o(e)
    e = e + BETA * around_e(o)
    o = o + GAMMA * around_o(e)
    e = e + DELTA * around_e(o)
    return np.concatenate([e * KAPPA, o * RHO])


def forward_wavelet(plane: Singles) -> Singles:
    """Section 5.2 on one plane."""
    out = plane.copy()
    for h, w in sides(*plane.shape)[:-1]:
        out[:h, :w] = _forward_step(_forward_step(out[:h, :w].T).T)
    return out


def to_values(components: Singles, out: Singles, subbands: list, bases: list[Singles]) -> None:
    """Components [n][rows][columns] of one tile's sub-bands to bands; `bases` by level, 0 for the low band."""
    n = len(components)
    for band in subbands:
        basis = bases[0 if band.orientation == LOW else band.level]
        region = (slice(band.row, band.row + band.rows), slice(band.column, band.column + band.columns))
        for b in range(n):
            total = basis[0, b] * components[(0, *region)]
            for k in range(1, n):
                total = total + basis[k, b] * components[(k, *region)]
            out[(b, *region)] = total


def synthesise(
    components: Singles, tiles: list, parameters: bytes, declared: Declaration, spectral: SpectralTensors
) -> Singles:
    """Components in coding order to single-precision samples (before rounding) in the order of the samples' bands.

    `tiles`: of each tile its sub-bands, spectral mode and rotations."""
    tile_bases = bases_of(parameters, declared, spectral)
    values = components.copy()
    for subbands, mode, rotations in tiles:
        bases = tile_bases(mode, rotations)
        if bases is not None:
            to_values(components, values, subbands, bases)
    a, shifts = normalisation(declared, spectral)
    back = F(1 / a)
    out = np.empty_like(values)
    for coded, position in enumerate(coding_order(declared)):
        out[position] = (inverse_wavelet(values[coded]) - F(shifts[coded])) * back
    return out


def normalisation(declared: Declaration, spectral: SpectralTensors) -> tuple[float, list[float]]:
    """a, and c_b of the bands in coding order, doubles."""
    profile = declared.profile
    a = (declared.scale / profile.scale) * (10000 / profile.peak)
    common = ((declared.offset - profile.offset) / profile.scale) * (10000 / profile.peak)
    places = [place(declared.bands[i], spectral.wavelengths) for i in coding_order(declared)]
    return a, [common - mean_of(placed, spectral.mean) for placed in places]


def bases_of(
    parameters: bytes, declared: Declaration, spectral: SpectralTensors
) -> Callable[[int, list[Rotation]], list[Singles] | None]:
    """Bases by level, 0 for the low band, of a tile with this mode and these rotations; None for mode 14."""
    bands = [declared.bands[i] for i in coding_order(declared)]
    places = [place(band, spectral.wavelengths) for band in bands]
    levels = len(sides(declared.rows, declared.columns)) - 1
    shift = level_shift(bands)
    indices = [0] + [min(max(level + shift, 1), 9) for level in range(1, levels + 1)]

    @cache
    def plain(mode: int, index: int) -> Singles:
        if mode == FITTED:
            return basis_of(fitted_covariance(parameters, len(bands)))
        return basis_of(covariance_of(places, spectral.covariance[mode, index]))

    def of_tile(mode: int, rotations: list[Rotation]) -> list[Singles] | None:
        if mode == IDENTITY:
            return None
        return [turned(plain(mode, i), level, rotations) for level, i in enumerate(indices)]

    return of_tile


def to_samples(values: Singles, declared: Declaration, valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Section 5.1: rounding, clipping, nodata. `valid` is [bands][rows][columns]."""
    if declared.sample_type == "float32":
        return finish(values.copy(), declared, valid)
    info = np.iinfo(declared.sample_type)
    whole = np.where(np.isnan(values), np.inf, np.rint(values)).astype(np.float64)
    return finish(np.clip(whole, info.min, info.max).astype(declared.sample_type), declared, valid)


def finish(samples: NDArray[np.generic], declared: Declaration, valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Nodata where samples are invalid, and nowhere else."""
    nodata = declared.nodata
    if declared.sample_type == "float32":
        fill = F(nodata) if nodata is not None else np.array(0x7FC00000, np.uint32).view(np.float32)
        above, below = np.nextafter(F(fill), F(np.inf)), np.nextafter(F(fill), F(-np.inf))
        samples[valid & (samples == fill)] = above if np.isfinite(above) else below
        samples[~valid] = fill
        return samples
    info = np.iinfo(declared.sample_type)
    if nodata is not None and nodata == math.floor(nodata) and info.min <= nodata <= info.max:
        fill = int(nodata)
        samples[valid & (samples == fill)] = fill + 1 if fill < info.max else fill - 1
        samples[~valid] = fill
    return samples

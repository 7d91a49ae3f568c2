"""Quality of a frame against its original, by the definitions of Docs/products.md, in NumPy.

Written from that page, not from the Swift code: Tests/python/test_quality.py and Tests/Vectors/quality compare the two.
Shapes: B bands, R rows, C columns.
"""

from __future__ import annotations

import numpy as np

RADIUS = 5  # samples: an 11 x 11 window
WEIGHTS = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / 1.5) ** 2)
WEIGHTS /= WEIGHTS.sum()


def fit(other: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round and clip to the original's type; what is not finite stays."""
    values = other.astype(np.float64)
    if other.dtype == dtype or np.issubdtype(dtype, np.floating):
        return values
    info = np.iinfo(dtype)
    return np.where(np.isfinite(values), np.clip(np.rint(values), info.min, info.max), values)


def smooth(values_RC: np.ndarray) -> np.ndarray:
    """Gaussian average in both directions, borders mirrored with the border sample repeated."""
    for axis in (0, 1):
        pad = [(RADIUS, RADIUS) if index == axis else (0, 0) for index in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(values_RC, pad, "symmetric"), 2 * RADIUS + 1, axis)
        values_RC = windows @ WEIGHTS
    return values_RC


def ssim(x_RC: np.ndarray, y_RC: np.ndarray, valid_RC: np.ndarray, peak: float) -> float | None:
    x_RC, y_RC = np.where(valid_RC, x_RC, 0.0), np.where(valid_RC, y_RC, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = smooth(valid_RC.astype(np.float64))
        mean_x, mean_y = smooth(x_RC) / weight, smooth(y_RC) / weight
        var_x = smooth(x_RC * x_RC) / weight - mean_x**2
        var_y = smooth(y_RC * y_RC) / weight - mean_y**2
        cov = smooth(x_RC * y_RC) / weight - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    map_RC = ((2 * mean_x * mean_y + c1) * (2 * cov + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    inner = tuple(slice(RADIUS, n - RADIUS) if n > 2 * RADIUS else slice(None) for n in x_RC.shape)
    chosen = map_RC[inner][valid_RC[inner]]
    return float(chosen.mean()) if chosen.size else None


def ndvi(red: np.ndarray, nir: np.ndarray) -> np.ndarray:
    total = red + nir
    return np.where(total == 0, 0.0, np.clip((nir - red) / np.where(total == 0, 1.0, total), -1, 1))


def compare(
    original_BRC: np.ndarray,
    other_BRC: np.ndarray,
    peak: float,
    nodata: float | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    red: int | None = None,
    nir: int | None = None,
) -> dict[str, float | int | None]:
    """All figures of the report; None where one is not defined."""
    x_BRC = original_BRC.astype(np.float64)
    y_BRC = fit(other_BRC, original_BRC.dtype)
    there_BRC = np.isfinite(x_BRC) & (x_BRC != (np.nan if nodata is None else nodata))
    other_there_BRC = np.isfinite(y_BRC) & (y_BRC != (np.nan if nodata is None else nodata))
    valid_BRC = there_BRC & np.isfinite(y_BRC)
    difference = np.abs(x_BRC - y_BRC)[valid_BRC]
    mse = float(np.mean(difference**2)) if difference.size else None
    similarities = [ssim(x, y, v, peak) for x, y, v in zip(x_BRC, y_BRC, valid_BRC, strict=True)]
    similarities = [value for value in similarities if value is not None]
    x_BRC, y_BRC = x_BRC * scale + offset, y_BRC * scale + offset
    report: dict[str, float | int | None] = {
        "valid_samples": int(there_BRC.sum()),
        "mask_mismatches": int((there_BRC != other_there_BRC).sum()),
        "mean_squared_error": mse,
        "psnr": None if mse in (None, 0.0) else float(10 * np.log10(peak**2 / mse)),
        "ssim": float(np.mean(similarities)) if similarities else None,
        "sam": spectral_angle(x_BRC, y_BRC, valid_BRC.all(axis=0)) if len(x_BRC) > 1 else None,
        "ndvi_error": None,
        "max_error": float(difference.max()) if difference.size else None,
    }
    if red is not None and nir is not None:
        both = valid_BRC[red] & valid_BRC[nir]
        gap = np.abs(ndvi(x_BRC[red][both], x_BRC[nir][both]) - ndvi(y_BRC[red][both], y_BRC[nir][both]))
        report["ndvi_error"] = float(gap.mean()) if gap.size else None
    return report


def spectral_angle(x_BRC: np.ndarray, y_BRC: np.ndarray, valid_RC: np.ndarray) -> float | None:
    """Degrees, mean over pixels valid in all bands whose original is not the zero spectrum."""
    x_BN, y_BN = x_BRC[:, valid_RC], y_BRC[:, valid_RC]
    norm_x, norm_y = np.linalg.norm(x_BN, axis=0), np.linalg.norm(y_BN, axis=0)
    kept = norm_x > 0
    if not kept.any():
        return None
    x_BN, y_BN, norm_x, norm_y = x_BN[:, kept], y_BN[:, kept], norm_x[kept], norm_y[kept]
    u, v = x_BN / norm_x, y_BN / np.where(norm_y > 0, norm_y, 1)
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=0), np.linalg.norm(u + v, axis=0))
    return float(np.degrees(np.where(norm_y > 0, angle, np.pi / 2)).mean())

"""Distortion between a frame and its reconstruction: PSNR, SSIM, spectral angle, NDVI error.

Shapes: frames are [bands, rows, columns] (suffix BRC). For whole frames of reflectance: masks, offsets and floats are
the matter of `perigee compare`, with which these figures agree to 1e-6 where both apply (tested on its vectors).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float64]

SSIM_SIGMA = 1.5
SSIM_RADIUS = 5


@dataclass(frozen=True)
class Quality:
    """PSNR in dB, SSIM without unit, spectral angle in degrees, mean absolute NDVI error (None without B04 and B08)."""

    psnr: float
    ssim: float
    sam: float
    ndvi: float | None

    def as_dict(self) -> dict[str, float | None]:
        """The fields by name, for JSON."""
        return asdict(self)


def to_input_type(reconstruction: NDArray[np.floating], dtype: np.dtype) -> Frame:
    """Rounds to whole numbers and clips to the range of the integer type `dtype`, as a delivered file would be."""
    info = np.iinfo(dtype)
    return np.clip(np.round(reconstruction.astype(np.float64)), info.min, info.max)


def psnr(original_BRC: Frame, decoded_BRC: Frame, peak: float) -> float:
    """Peak signal to noise ratio in dB from the mean squared error over all samples; equal frames give inf."""
    error = float(((original_BRC - decoded_BRC) ** 2).mean())
    return float("inf") if error == 0 else float(10 * np.log10(peak * peak / error))


def _smooth(image_BRC: Frame) -> Frame:
    taps = np.exp(-0.5 * (np.arange(-SSIM_RADIUS, SSIM_RADIUS + 1) / SSIM_SIGMA) ** 2)
    taps /= taps.sum()
    padding = ((0, 0), (SSIM_RADIUS, SSIM_RADIUS), (SSIM_RADIUS, SSIM_RADIUS))
    padded = np.pad(image_BRC, padding, mode="symmetric")
    rows, columns = image_BRC.shape[1:]
    vertical = sum(tap * padded[:, i : i + rows, :] for i, tap in enumerate(taps))
    assert isinstance(vertical, np.ndarray)
    result = sum(tap * vertical[:, :, i : i + columns] for i, tap in enumerate(taps))
    assert isinstance(result, np.ndarray)
    return result


def ssim(original_BRC: Frame, decoded_BRC: Frame, peak: float) -> float:
    """Structural similarity: 11 x 11 Gaussian window of sigma 1.5, data range `peak`, mean over bands and over pixels
    whose window lies inside; along an axis too short for that over all, borders mirrored."""
    mean_a, mean_b = _smooth(original_BRC), _smooth(decoded_BRC)
    var_a = _smooth(original_BRC**2) - mean_a**2
    var_b = _smooth(decoded_BRC**2) - mean_b**2
    covariance = _smooth(original_BRC * decoded_BRC) - mean_a * mean_b
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    score = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    score /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    inside = tuple(slice(SSIM_RADIUS, n - SSIM_RADIUS) if n > 2 * SSIM_RADIUS else slice(None) for n in score.shape[1:])
    return float(score[(slice(None), *inside)].mean())


def spectral_angle(original_BRC: Frame, decoded_BRC: Frame) -> float:
    """Angle between the spectra of a pixel, degrees, mean over the pixels whose original is not zero; a decoded zero
    spectrum stands at 90 degrees."""
    norm_a, norm_b = np.linalg.norm(original_BRC, axis=0), np.linalg.norm(decoded_BRC, axis=0)
    u, v = original_BRC / np.where(norm_a > 0, norm_a, 1), decoded_BRC / np.where(norm_b > 0, norm_b, 1)
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=0), np.linalg.norm(u + v, axis=0))
    angles = np.degrees(np.where(norm_b > 0, angle, np.pi / 2))[norm_a > 0]
    return float(angles.mean()) if angles.size else 0.0


def ndvi(red_RC: Frame, near_infrared_RC: Frame) -> Frame:
    """(near infrared - red) / (near infrared + red); 0 where the sum is 0."""
    total = near_infrared_RC + red_RC
    return np.where(total == 0, 0.0, np.clip((near_infrared_RC - red_RC) / np.where(total == 0, 1.0, total), -1, 1))


def measure(
    original_BRC: NDArray[np.integer],
    reconstruction_BRC: NDArray[np.floating],
    peak: float,
    red: int | None = None,
    near_infrared: int | None = None,
    valid_RC: NDArray[np.bool_] | None = None,
) -> Quality:
    """All four numbers of one frame, after rounding and clipping to the type of the original.

    Pixels that are not `valid_RC` count in none of them; for SSIM, which looks at windows, they count as exact.
    """
    decoded = to_input_type(reconstruction_BRC, original_BRC.dtype)
    original = original_BRC.astype(np.float64)
    whole = np.ones(original.shape[1:], bool) if valid_RC is None else valid_RC
    decoded = np.where(whole, decoded, original)
    pixels, decoded_pixels = original[:, whole][:, None], decoded[:, whole][:, None]
    error = None
    if red is not None and near_infrared is not None:
        difference = np.abs(
            ndvi(pixels[red], pixels[near_infrared]) - ndvi(decoded_pixels[red], decoded_pixels[near_infrared])
        )
        error = float(difference.mean())
    return Quality(
        psnr=psnr(pixels, decoded_pixels, peak),
        ssim=ssim(original, decoded, peak),
        sam=spectral_angle(pixels, decoded_pixels),
        ndvi=error,
    )

"""Distortion between a frame and its reconstruction: PSNR, SSIM, spectral angle, NDVI error.

Shapes: frames are [bands, rows, columns] (suffix BRC), masks [rows, columns] (RC), True where a pixel is valid.
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


def psnr(original_BRC: Frame, decoded_BRC: Frame, peak: float, valid_RC: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise ratio in dB from the mean squared error over all valid samples; equal frames give inf."""
    difference = (original_BRC - decoded_BRC) ** 2
    error = float(difference.mean() if valid_RC is None else difference[:, valid_RC].mean())
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


def ssim(original_BRC: Frame, decoded_BRC: Frame, peak: float, valid_RC: NDArray[np.bool_] | None = None) -> float:
    """Structural similarity: 11 x 11 Gaussian window of sigma 1.5, mirrored borders, data range `peak`, mean over
    bands and valid pixels."""
    mean_a, mean_b = _smooth(original_BRC), _smooth(decoded_BRC)
    var_a = _smooth(original_BRC**2) - mean_a**2
    var_b = _smooth(decoded_BRC**2) - mean_b**2
    covariance = _smooth(original_BRC * decoded_BRC) - mean_a * mean_b
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    score = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    score /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float(score.mean() if valid_RC is None else score[:, valid_RC].mean())


def spectral_angle(original_BRC: Frame, decoded_BRC: Frame, valid_RC: NDArray[np.bool_] | None = None) -> float:
    """Angle between the spectra of a pixel, degrees, mean over the valid pixels. Two zero
    spectra have angle 0, one has 90."""
    norms = np.linalg.norm(original_BRC, axis=0) * np.linalg.norm(decoded_BRC, axis=0)
    both_zero = ~original_BRC.any(axis=0) & ~decoded_BRC.any(axis=0)
    cosine = np.where(both_zero, 1.0, (original_BRC * decoded_BRC).sum(0) / np.maximum(norms, 1e-12))
    angles = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return float(angles.mean() if valid_RC is None else angles[valid_RC].mean())


def ndvi(red_RC: Frame, near_infrared_RC: Frame) -> Frame:
    """(near infrared - red) / (near infrared + red); 0 where the sum is 0."""
    total = near_infrared_RC + red_RC
    return np.where(total == 0, 0.0, (near_infrared_RC - red_RC) / np.where(total == 0, 1.0, total))


def measure(
    original_BRC: NDArray[np.integer],
    reconstruction_BRC: NDArray[np.floating],
    peak: float,
    red: int | None = None,
    near_infrared: int | None = None,
    valid_RC: NDArray[np.bool_] | None = None,
) -> Quality:
    """All four numbers of one frame, after rounding and clipping to the type of the original."""
    decoded = to_input_type(reconstruction_BRC, original_BRC.dtype)
    original = original_BRC.astype(np.float64)
    error = None
    if red is not None and near_infrared is not None:
        difference = np.abs(ndvi(original[red], original[near_infrared]) - ndvi(decoded[red], decoded[near_infrared]))
        error = float(difference.mean() if valid_RC is None else difference[valid_RC].mean())
    return Quality(
        psnr=psnr(original, decoded, peak, valid_RC),
        ssim=ssim(original, decoded, peak, valid_RC),
        sam=spectral_angle(original, decoded, valid_RC),
        ndvi=error,
    )

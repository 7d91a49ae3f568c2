"""Models, streams and the table trainer. Shape suffixes: B bands in sample order, K components, H rows, W columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perigee_codec.binding import CodecError, call, close, library_path, word

__all__ = [
    "CodecError",
    "Intervals",
    "Layers",
    "Model",
    "Part",
    "Reference",
    "Stream",
    "Trainer",
    "library_path",
    "prefix",
]

# mode, fitted basis, records of the tiles
CHOICE_LIMIT = 1 << 18


def prefix(layers: Sequence[bytes], size: int) -> list[bytes]:
    """The first `size` octets of a frame as layers that `Stream.decode` takes; all of them where there are fewer."""
    cut: list[bytes] = []
    for layer in layers:
        cut.append(layer[: max(size, 0)])
        size -= len(layer)
    return cut


@dataclass(frozen=True)
class Intervals:
    """What a prefix says of every coefficient, arrays [K, H, W] in Mallat layout.

    The unit is that of `Stream.forward(samples, choice=choice)`: normalised samples (the profile's peak is 10,000)
    after wavelet and basis `choice`. That transform of the original, missing samples filled, is at least `lower_KHW`
    and at most `upper_KHW`, always; infinite where nothing bounds it. `is_measurement_KHW` is false where the support
    of a coefficient touches a missing sample: it depends on the fill and says nothing certain of the scene.
    """

    lower_KHW: NDArray[np.float32]
    upper_KHW: NDArray[np.float32]
    is_measurement_KHW: NDArray[np.bool_]
    choice: bytes

    @property
    def width_KHW(self) -> NDArray[np.float32]:
        """`upper_KHW - lower_KHW`: what is left open."""
        return self.upper_KHW - self.lower_KHW

    def contain(self, coefficients_KHW: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which coefficients lie in their intervals."""
        return (self.lower_KHW <= coefficients_KHW) & (coefficients_KHW <= self.upper_KHW)


class _Handle:
    def __init__(self, handle: int) -> None:
        if not isinstance(handle, int):
            raise TypeError(f"{type(self).__name__} wants a handle, got {handle!r}: call its open or parse")
        self.handle: int | None = handle

    def __del__(self) -> None:
        close(getattr(self, "handle", None))
        self.handle = None


class Model(_Handle):
    """Everything learned that encoder and decoder share."""

    @classmethod
    def open(cls, bundle: Path) -> Model:
        """The model of a firmware bundle; its profiles can be named."""
        return cls(call("perigee_model_open", str(bundle).encode()))

    @classmethod
    def parse(cls, safetensors: bytes) -> Model:
        """A model of tensors alone, without profiles."""
        return cls(call("perigee_model_parse", safetensors, len(safetensors)))

    @property
    def firmware(self) -> int:
        """Identity of the bundle; 0 without one."""
        return call("perigee_model_firmware", self.handle)


class Stream(_Handle):
    """Frames of one sensor, band list and size.

    `profile`: a name in the bundle, or an object as in the `profiles` of a manifest. `bands`: names in the order of the
    samples, absent for all. `nodata`: a number, "nan", "none", or absent for the profile's.
    """

    def __init__(
        self,
        model: Model,
        profile: str | Mapping[str, Any],
        shape: tuple[int, int, int],
        *,
        bands: Sequence[str] | None = None,
        dtype: np.dtype[Any] | str = "uint16",
        nodata: float | str | None = None,
        scale: float | None = None,
        offset: float | None = None,
        lanes: int = 1,
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        description = {
            "profile": profile,
            "bands": list(bands) if bands is not None else None,
            "rows": shape[1],
            "columns": shape[2],
            "sampleType": self.dtype.name,
            "nodata": "nan" if isinstance(nodata, float) and np.isnan(nodata) else nodata,
            "scale": scale,
            "offset": offset,
        }
        given = {name: value for name, value in description.items() if value is not None}
        text = json.dumps(given, allow_nan=False).encode()
        super().__init__(call("perigee_stream_open", model.handle, text, len(text), word("lanes", lanes)))
        order = np.zeros(1_024, np.int64)
        count = call("perigee_stream_coding_order", self.handle, order.ctypes.data)
        if count != shape[0]:
            raise CodecError(f"the stream has {count} bands, the shape {shape[0]}: name the bands")
        self.coding_order = order[:count].copy()

    def _samples(self, samples_BHW: NDArray[Any]) -> NDArray[Any]:
        if samples_BHW.shape != self.shape or samples_BHW.dtype != self.dtype:
            raise CodecError(f"samples are {samples_BHW.dtype} {samples_BHW.shape}, not {self.dtype} {self.shape}")
        return np.ascontiguousarray(samples_BHW)

    def forward(
        self, samples_BHW: NDArray[Any], *, budget: int = 1 << 40, choice: bytes = b""
    ) -> tuple[NDArray[np.float32], bytes]:
        """Strict coefficients [K, H, W] in Mallat layout, and the spectral choice (mode, then a fitted basis).

        `choice`: 0 to 13 a trained set, 14 identity, or what the codec gave; empty lets the encoder choose for `budget`
        octets.
        """
        samples = self._samples(samples_BHW)
        room = np.zeros(max(CHOICE_LIMIT, len(choice)), np.uint8)
        room[: len(choice)] = np.frombuffer(choice, np.uint8)
        coefficients = np.empty(self.shape, np.float32)
        size = call(
            "perigee_transform_forward", self.handle, samples.ctypes.data, samples.nbytes, word("budget", budget),
            room.ctypes.data, len(choice), len(room), coefficients.ctypes.data,
        )  # fmt: skip
        return coefficients, room[:size].tobytes()

    def inverse(
        self, coefficients_KHW: NDArray[np.float32], choice: bytes, masks_BHW: NDArray[np.bool_] | None = None
    ) -> NDArray[Any]:
        """Samples [B, H, W]; `masks_BHW` is false where a sample is invalid, bands in coding order."""
        if coefficients_KHW.shape != self.shape:
            raise CodecError(f"coefficients are {coefficients_KHW.shape}, not {self.shape}")
        coefficients = np.ascontiguousarray(coefficients_KHW, np.float32)
        masks = None
        if masks_BHW is not None:
            masks = np.ascontiguousarray(np.broadcast_to(masks_BHW, self.shape), np.uint8)
        parameters = np.frombuffer(choice, np.uint8)
        samples = np.empty(self.shape, self.dtype)
        call(
            "perigee_transform_inverse", self.handle, coefficients.ctypes.data, parameters.ctypes.data,
            len(choice), None if masks is None else masks.ctypes.data, samples.ctypes.data, samples.nbytes,
        )  # fmt: skip
        return samples

    def reference(self, parts: Sequence[Part], mix: int = 0) -> Reference:
        """What earlier frames, each decoded from the layers that both ends have, say of the ground of a frame of this
        stream: at each place the first of `parts` (1 to 4) with a valid sample there, and `mix` quarters (0 to 2) of
        the way from it to the next one that has."""
        return Reference(self, parts, mix)

    def quarters(self, samples_BHW: NDArray[Any], first: Reference, second: Reference) -> int:
        """How many quarters of the second reference beside the first come nearest to a frame, 0 to 4; above 2 the
        second is the better first one."""
        samples = self._samples(samples_BHW)
        return call(
            "perigee_reference_quarters", self.handle, samples.ctypes.data, samples.nbytes, first.handle, second.handle
        )

    def encode(
        self,
        samples_BHW: NDArray[Any],
        budgets: Sequence[int],
        *,
        choice: bytes = b"",
        max_error: float | Sequence[float] | None = None,
        reference: Reference | None = None,
    ) -> Layers:
        """Layers within cumulative budgets in octets, coarse to fine.

        `choice`: a basis as for `forward`, to compare bases; empty lets the encoder choose. `max_error`: one layer
        more, after which no valid sample is farther than this from the original; 0 is lossless. One number, or one for
        each band in the order of the samples. `reference`: used where it helps at the last budget; then the result
        `is_predicted`, and decoders need it too.
        """
        samples = self._samples(samples_BHW)
        limits = np.array([word("budget", budget) for budget in budgets], np.int64)
        sizes = np.zeros(len(limits) + (max_error is not None), np.int64)
        # verbatim frames may be larger than their budgets, at most by what zstd adds to noise; no tokens fill 16 octets
        # a sample, whatever the budget, and no residual six
        tokens = min(max(int(limits.max(initial=0)), 0), 16 * samples.size + (1 << 20))
        room = samples.nbytes + (samples.nbytes >> 7) + 1_024 + 6 * samples.size * (max_error is not None)
        payload = np.empty(tokens + room, np.uint8)
        given = (self.handle, samples.ctypes.data, samples.nbytes, limits.ctypes.data, len(limits))
        predicted = np.zeros(1, np.int64)
        made = (_handle(reference), payload.ctypes.data, len(payload), sizes.ctypes.data, predicted.ctypes.data)
        if max_error is None:
            call("perigee_encode", *given, choice, len(choice), *made)
        elif choice:
            raise CodecError("choice and max_error exclude each other: give one of them")
        else:
            bounds = np.full(self.shape[0], max_error, np.float64) if np.isscalar(max_error) else max_error
            bounds = np.ascontiguousarray(bounds, np.float64)
            call("perigee_encode_bounded", *given, bounds.ctypes.data, len(bounds), *made)
        ends = np.cumsum(sizes)
        return Layers(
            (payload[end - size : end].tobytes() for size, end in zip(sizes, ends, strict=True)), bool(predicted[0])
        )

    def decode(
        self,
        layers: Sequence[bytes],
        *,
        window: tuple[int, int, int, int] | None = None,
        reference: Reference | None = None,
    ) -> NDArray[Any]:
        """Samples [B, H, W] of the octets at hand: layers from the first on, any of them cut anywhere.

        `window`: first column, first row, width, height; the same samples as in the whole frame, for which only the
        tiles that they depend on are decoded. `reference`: that of a predicted frame, of others None.
        """
        sizes = np.array([len(layer) for layer in layers], np.int64)
        if window is not None:
            window = tuple(
                word(f"window {name}", number)
                for name, number in zip(("x", "y", "width", "height"), window, strict=True)
            )
            _, _, width, height = window
            # sizes that no window of the frame has are left to the codec to refuse
            fits = 0 < width <= self.shape[2] and 0 < height <= self.shape[1]
            part = np.empty((self.shape[0], height, width) if fits else 0, self.dtype)
            call(
                "perigee_decode_window", self.handle, b"".join(layers), sizes.ctypes.data, len(sizes), *window,
                _handle(reference), part.ctypes.data, part.nbytes,
            )  # fmt: skip
            return part
        samples = np.empty(self.shape, self.dtype)
        call(
            "perigee_decode", self.handle, b"".join(layers), sizes.ctypes.data, len(sizes), _handle(reference),
            samples.ctypes.data, samples.nbytes,
        )  # fmt: skip
        return samples

    def intervals(self, layers: Sequence[bytes], *, reference: Reference | None = None) -> Intervals:
        """What the octets at hand (as for `decode`) say of every coefficient; more octets never widen an interval."""
        sizes = np.array([len(layer) for layer in layers], np.int64)
        lower, upper = np.empty(self.shape, np.float32), np.empty(self.shape, np.float32)
        measurement, choice = np.empty(self.shape, np.uint8), np.empty(CHOICE_LIMIT, np.uint8)
        size = call(
            "perigee_intervals", self.handle, b"".join(layers), sizes.ctypes.data, len(sizes), _handle(reference),
            lower.ctypes.data, upper.ctypes.data, measurement.ctypes.data, choice.ctypes.data, len(choice),
        )  # fmt: skip
        return Intervals(lower, upper, measurement.astype(bool), choice[:size].tobytes())


@dataclass(frozen=True)
class Part:
    """An earlier frame of a reference: decoded samples [B, H, W] of `stream`, whose first one lies at `row` and
    `column` of the new frame (whole pixels, also below 0)."""

    stream: Stream
    samples_BHW: NDArray[Any]
    row: int = 0
    column: int = 0


class Reference(_Handle):
    """What both ends know of a frame's ground before it comes (`Stream.reference`)."""

    def __init__(self, stream: Stream, parts: Sequence[Part], mix: int = 0) -> None:
        samples = [part.stream._samples(part.samples_BHW).tobytes() for part in parts]
        places = np.array([[word("row", part.row), word("column", part.column)] for part in parts], np.int64)
        streams = np.array([part.stream.handle or 0 for part in parts], np.uintp)
        octets = b"".join(samples)
        super().__init__(
            call(
                "perigee_reference_open",
                stream.handle,
                streams.ctypes.data,
                places.ctypes.data,
                len(parts),
                word("mix", mix),
                octets,
                len(octets),
            )
        )
        self.hash = call("perigee_reference_hash", self.handle)


class Layers(list[bytes]):
    """The layers of one frame, coarse to fine; `is_predicted` says whether decoders need its reference."""

    def __init__(self, layers: Iterable[bytes], is_predicted: bool) -> None:
        super().__init__(layers)
        self.is_predicted = is_predicted


def _handle(owner: _Handle | None) -> int | None:
    return owner.handle if owner is not None else None


class Trainer(_Handle):
    """Fits the start values of the token coder: give it all training frames, shuffled, twice.

    With a model it learns those of predicted tiles, from frames with references.
    """

    def __init__(self, predicted_by: Model | None = None) -> None:
        super().__init__(call("perigee_trainer_open", _handle(predicted_by)))

    def adapt(
        self,
        stream: Stream,
        samples_BHW: NDArray[Any],
        budget: int,
        scale: float = 1.0,
        reference: Reference | None = None,
    ) -> int:
        """Learns from one frame coded to `budget` octets; the spectral mode that the encoder chose."""
        samples = stream._samples(samples_BHW)
        return call(
            "perigee_trainer_adapt", self.handle, stream.handle, samples.ctypes.data, samples.nbytes,
            _handle(reference), word("budget", budget), scale,
        )  # fmt: skip

    def tensors(self) -> bytes:
        """What was learned, as octets of a safetensors file: `tokens/…`, or `history/…`."""
        octets = np.empty(call("perigee_trainer_tensors", self.handle, None, 0), np.uint8)
        size = call("perigee_trainer_tensors", self.handle, octets.ctypes.data, len(octets))
        return octets[:size].tobytes()

"""Start values of the token coder, learned by PerigeeC from the coefficients of training frames.

The coder itself lives in the library; here frames are put in order and handed over.
"""

from __future__ import annotations

import ctypes
import json
from ctypes import POINTER, c_char, c_char_p, c_float, c_int32, c_int64, c_ssize_t, c_uint8, c_void_p
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.training.profiles import Profile
from perigee_cluster.training.safetensors import Tensors, pack

SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    "tokens/significance": ("<u4", (10, 6, 40)),
    "tokens/sign": ("<u4", (9, 9, 9)),
    "tokens/refinement": ("<u4", (12, 24, 10)),
    "tokens/flags": ("<u4", (12, 32, 24)),
    "tokens/centroids": ("<u2", (26, 10, 6, 3)),
}
MESSAGE_SIZE = 1024
CHOICE_SIZE = 4096


class CodecError(Exception):
    """What PerigeeC said."""


class Library:
    """The functions of PerigeeC that training calls."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        handle, octets, size = c_void_p, POINTER(c_uint8), c_ssize_t
        self._declare("perigee_model_parse", handle, c_char_p, size)
        self._declare("perigee_stream_open", handle, handle, c_char_p, size, size)
        self._declare(
            "perigee_transform_forward", c_int64, handle, octets, size, size, octets, size, size, POINTER(c_float)
        )
        self._declare("perigee_trainer_open", handle)
        self._declare("perigee_trainer_adapt", c_int64, handle, POINTER(c_int32), size, size, size, size)
        self._declare("perigee_trainer_tensor", c_int64, handle, c_char_p, octets, size)
        self._library.perigee_close.argtypes = [c_void_p]
        self._library.perigee_close.restype = None

    def _declare(self, name: str, result: type, *arguments: type) -> None:
        function = getattr(self._library, name)
        function.restype = result
        function.argtypes = [*arguments, POINTER(c_char), c_ssize_t]

    def call(self, name: str, *arguments: object) -> int:
        """Runs one function; raises with the library's text where it fails."""
        message = ctypes.create_string_buffer(MESSAGE_SIZE)
        result = getattr(self._library, name)(*arguments, message, MESSAGE_SIZE)
        if result is None or result == -1:
            raise CodecError(f"{name}: {message.value.decode(errors='replace')}")
        return int(result)

    def close(self, handle: int) -> None:
        """Frees a handle."""
        self._library.perigee_close(handle)


@dataclass
class Coefficients:
    """What the encoder would code of one frame: whole numbers [components][rows][columns], and the spectral set."""

    values: NDArray[np.int32]
    mode: int


@dataclass
class TableFitter:
    """Transforms frames with the spectral tensors given and learns tables from them."""

    library: Library
    spectral: Tensors
    _streams: dict[str, int] = field(default_factory=dict)
    _model: int = 0

    def coefficients(self, samples: NDArray[np.uint16], profile: Profile, ratio: float) -> Coefficients:
        """The frame's coefficients on the basis that the encoder chooses at this ratio."""
        bands, rows, columns = samples.shape
        stream = self._stream(profile, rows, columns)
        values = np.empty(samples.shape, np.float32)
        choice = (c_uint8 * CHOICE_SIZE)()
        octets = np.ascontiguousarray(samples)
        self.library.call(
            "perigee_transform_forward",
            stream,
            octets.ctypes.data_as(POINTER(c_uint8)),
            octets.nbytes,
            int(octets.nbytes / ratio),
            choice,
            0,
            CHOICE_SIZE,
            values.ctypes.data_as(POINTER(c_float)),
        )
        return Coefficients(np.trunc(values).astype(np.int32), choice[0])

    def fit(self, frames: list[Coefficients], ratio: float, passes: int, seed: int) -> Tensors:
        """Runs the trainer over all frames in a shuffled order, down to `ratio`; the tensors of the bundle."""
        trainer = self.library.call("perigee_trainer_open")
        random = np.random.default_rng(seed)
        for _ in range(passes):
            for index in random.permutation(len(frames)):
                values = np.ascontiguousarray(frames[index].values)
                budget = int(values.size * 2 / ratio)
                self.library.call(
                    "perigee_trainer_adapt", trainer, values.ctypes.data_as(POINTER(c_int32)), *values.shape, budget
                )
        tensors = {name: self._tensor(trainer, name) for name in SHAPES}
        self.library.close(trainer)
        return tensors

    def close(self) -> None:
        """Frees streams and model."""
        for handle in [*self._streams.values(), *([self._model] if self._model else [])]:
            self.library.close(handle)
        self._streams, self._model = {}, 0

    def _stream(self, profile: Profile, rows: int, columns: int) -> int:
        if not self._model:
            octets = pack(self.spectral)
            self._model = self.library.call("perigee_model_parse", octets, len(octets))
        description = {"rows": rows, "columns": columns, "profile": profile, "nodata": "none"}
        text = json.dumps(description).encode()
        key = text.decode()
        if key not in self._streams:
            self._streams[key] = self.library.call("perigee_stream_open", self._model, text, len(text), 1)
        return self._streams[key]

    def _tensor(self, trainer: int, name: str) -> NDArray[np.generic]:
        dtype, shape = SHAPES[name]
        values = np.empty(shape, dtype)
        size = self.library.call(
            "perigee_trainer_tensor", trainer, name.encode(), values.ctypes.data_as(POINTER(c_uint8)), values.nbytes
        )
        if size != values.nbytes:
            raise CodecError(f"{name} has {size} octets, expected {values.nbytes}")
        return values

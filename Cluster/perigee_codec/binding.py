"""libPerigeeC by ctypes: where it is, the signatures of its functions, errors as exceptions."""

from __future__ import annotations

import ctypes
import operator
import os
from collections.abc import Callable
from ctypes import c_char_p, c_float, c_int64, c_ssize_t, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

LIBRARY = "libPerigeeC.so"
MESSAGE_CAPACITY = 2_048

# where an encoder writes: reference, octets, room for them, sizes, whether it is predicted
MADE = (c_void_p, c_void_p, c_ssize_t, c_void_p, c_void_p)
SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "perigee_model_open": (c_void_p, [c_char_p]),
    "perigee_model_parse": (c_void_p, [c_char_p, c_ssize_t]),
    "perigee_model_firmware": (c_int64, [c_void_p]),
    "perigee_stream_open": (c_void_p, [c_void_p, c_char_p, c_ssize_t, c_ssize_t]),
    "perigee_stream_coding_order": (c_int64, [c_void_p, c_void_p]),
    "perigee_transform_forward": (
        c_int64,
        [c_void_p, c_void_p, c_ssize_t, c_ssize_t, c_void_p, c_ssize_t, c_ssize_t, c_void_p],
    ),
    "perigee_transform_inverse": (
        c_int64,
        [c_void_p, c_void_p, c_void_p, c_ssize_t, c_void_p, c_void_p, c_ssize_t],
    ),
    "perigee_encode": (
        c_int64,
        [c_void_p, c_void_p, c_ssize_t, c_void_p, c_ssize_t, c_char_p, c_ssize_t, *MADE],
    ),
    "perigee_encode_bounded": (
        c_int64,
        [c_void_p, c_void_p, c_ssize_t, c_void_p, c_ssize_t, c_void_p, c_ssize_t, *MADE],
    ),
    "perigee_decode": (c_int64, [c_void_p, c_char_p, c_void_p, c_ssize_t, c_void_p, c_void_p, c_ssize_t]),
    "perigee_decode_window": (
        c_int64,
        [c_void_p, c_char_p, c_void_p, *[c_ssize_t] * 5, c_void_p, c_void_p, c_ssize_t],
    ),
    "perigee_intervals": (
        c_int64,
        [c_void_p, c_char_p, c_void_p, c_ssize_t, *[c_void_p] * 5, c_ssize_t],
    ),
    "perigee_reference_open": (
        c_void_p,
        [c_void_p, c_void_p, c_void_p, c_ssize_t, c_ssize_t, c_char_p, c_ssize_t],
    ),
    "perigee_reference_quarters": (c_int64, [c_void_p, c_void_p, c_ssize_t, c_void_p, c_void_p]),
    "perigee_reference_hash": (c_int64, [c_void_p]),
    "perigee_trainer_open": (c_void_p, [c_void_p]),
    "perigee_trainer_adapt": (c_int64, [c_void_p, c_void_p, c_void_p, c_ssize_t, c_void_p, c_ssize_t, c_float]),
    "perigee_trainer_tensors": (c_int64, [c_void_p, c_void_p, c_ssize_t]),
}


class CodecError(RuntimeError):
    """What the codec says of a call that failed."""


def library_path() -> Path:
    """`$PERIGEE_LIBRARY`, else the library of the wheel, else `.build/release/libPerigeeC.so` of the repository."""
    given = os.environ.get("PERIGEE_LIBRARY")
    if given:
        path = Path(given)
    else:
        here = Path(__file__).resolve()
        path = here.with_name(LIBRARY)
        if not path.is_file():
            path = here.parents[2] / ".build" / "release" / LIBRARY
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: run `swift build -c release --product PerigeeC`, or set PERIGEE_LIBRARY")
    return path


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = [*arguments, c_char_p, c_ssize_t]
    library.perigee_close.restype = None
    library.perigee_close.argtypes = [c_void_p]
    return library


def word(name: str, value: int) -> int:
    """`value` as the C functions take it; ctypes alone would cut a larger one to its low 64 bits without a word."""
    number = operator.index(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise CodecError(f"{name} is {number}, must be between -2^63 and 2^63 - 1")
    return number


def call(name: str, *arguments: Any) -> int:
    """Calls a function of SIGNATURES; what it gives, or a CodecError with its text."""
    function: Callable[..., int | None] = getattr(_library(), name)
    message = ctypes.create_string_buffer(MESSAGE_CAPACITY)
    result = function(*arguments, message, MESSAGE_CAPACITY)
    if result is None or (SIGNATURES[name][0] is c_int64 and result < 0):
        raise CodecError(message.value.decode(errors="replace"))
    return result


def close(handle: int | None) -> None:
    """Frees a handle."""
    if handle:
        _library().perigee_close(handle)

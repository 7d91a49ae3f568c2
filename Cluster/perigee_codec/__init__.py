"""The codec (libPerigeeC) with NumPy arrays in and out. Nothing is decided here."""

from perigee_codec.codec import (
    CodecError,
    Intervals,
    Layers,
    Model,
    Part,
    Reference,
    Stream,
    Trainer,
    library_path,
    prefix,
)

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

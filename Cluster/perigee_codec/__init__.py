"""The codec (libPerigeeC) with NumPy arrays in and out. Nothing is decided here."""

from perigee_codec.codec import CodecError, Intervals, Model, Stream, Trainer, library_path, prefix

__all__ = ["CodecError", "Intervals", "Model", "Stream", "Trainer", "library_path", "prefix"]

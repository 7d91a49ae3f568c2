"""The codec (libPerigeeC) with NumPy arrays in and out. Nothing is decided here."""

from perigee_cluster.bitstream.codec import CodecError, Model, Stream, Trainer, library_path

__all__ = ["CodecError", "Model", "Stream", "Trainer", "library_path"]

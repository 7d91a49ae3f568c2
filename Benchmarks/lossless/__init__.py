"""Lossless and near-lossless sizes beside JPEG XL, JPEG-LS and zstd, on test places only."""

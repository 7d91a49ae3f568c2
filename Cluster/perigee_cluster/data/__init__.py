"""Grids and bands, frames on disk, and the split of places."""

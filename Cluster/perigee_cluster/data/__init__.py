"""Frames on disk and the split of places."""

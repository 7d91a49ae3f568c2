"""Seams: error near tile borders beside the error elsewhere, on mosaics of real frames."""

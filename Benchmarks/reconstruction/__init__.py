"""`make bench-reconstruction`: what the past of a place is worth to a decoder without a network."""

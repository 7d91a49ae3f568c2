"""Rate against distortion: Perigee beside its peers at the same total bytes, in one run."""

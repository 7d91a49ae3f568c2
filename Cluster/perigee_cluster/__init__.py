"""The data-centre side of Perigee."""

__version__ = "0.1.0"

"""The data-centre side of Perigee."""

"""Products of a place and date from packets and history; without a network."""

from perigee_cluster.reconstruction.any_date import AnyDate
from perigee_cluster.reconstruction.deterministic import Deterministic
from perigee_cluster.reconstruction.regression import RegressProject
from perigee_cluster.reconstruction.values import Agreement, Flag, Reconstruction, Reconstructor, Request

__all__ = [
    "Agreement",
    "AnyDate",
    "Deterministic",
    "Flag",
    "Reconstruction",
    "Reconstructor",
    "RegressProject",
    "Request",
]

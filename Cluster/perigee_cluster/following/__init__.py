"""From an archive to products, as it grows."""

from perigee_cluster.following.follower import Event, Follower, Setup, follow
from perigee_cluster.following.metrics import openmetrics
from perigee_cluster.following.tasks import Task

__all__ = ["Event", "Follower", "Setup", "Task", "follow", "openmetrics"]

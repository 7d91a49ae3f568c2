"""Products of places and dates over HTTP: STAC API, tiles, jobs, a page."""

from perigee_cluster.serving.app import create_app
from perigee_cluster.serving.service import Limits, Service

__all__ = ["Limits", "Service", "create_app"]

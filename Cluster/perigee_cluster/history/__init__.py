"""What the cluster knows of a place from frames that it decoded earlier."""

from perigee_cluster.history.choice import choose
from perigee_cluster.history.frame import HistoryFrame, Quality

__all__ = ["HistoryFrame", "Quality", "choose"]

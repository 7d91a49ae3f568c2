"""The gateway's archive, read beside it: frames, their tokens, and what they were predicted from."""

from perigee_cluster.archive.tokens import TokenStream

__all__ = ["TokenStream"]

"""A queue worked off on the machines of a Ray cluster, which read archive and history. Catalog, locks and
files stay with the one process that hands out tasks: a machine that dies takes nothing along that was filed (decision
0040)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

# a batch tells nobody that it runs
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.exceptions import RayError, RayTaskError

from perigee_cluster.archive import Archive
from perigee_cluster.following.drawing import LOST, Order, Outcome, Refused, draw
from perigee_cluster.following.follower import Claim, Follower, Setup
from perigee_cluster.history.store import History

HERE = "local"
"""Address: a cluster of this machine alone, for as long as the work lasts."""
AHEAD = 2
"""Tasks handed out for each core, so that none waits for the next one."""
DEATHS = 3
"""Of machines or processes under a task, until it is put off."""


class ClusterError(RuntimeError):
    """The Ray cluster cannot be used; the text ends with the remedy."""


def work_on_ray(follower: Follower, methods: Sequence[str], address: str) -> None:
    """Does all tasks that are due, as `Follower.work` would one by one."""
    setup = follower.setup.resolved()
    with _cluster(address):
        there = ray.remote(num_cpus=1, max_retries=DEATHS)(_draw)
        flying: dict[ray.ObjectRef, Claim] = {}
        try:
            while True:
                # machines come and go
                room = AHEAD * max(int(ray.cluster_resources().get("CPU", 0)), 1)
                while len(flying) < room and (claim := follower.claim(methods)) is not None:
                    flying[there.remote(setup, claim.order)] = claim
                if not flying:
                    return
                (done, *_), _ = ray.wait(list(flying))
                outcome = _outcome(done)
                claim = flying.pop(done)
                try:
                    follower.finish(claim, outcome)
                finally:
                    follower.release(claim)
        finally:
            for claim in flying.values():
                follower.release(claim)


def _outcome(done: ray.ObjectRef) -> Outcome:
    try:
        return ray.get(done)
    except RayTaskError as error:
        raise error.as_instanceof_cause() from None
    except RayError as error:
        return Refused(LOST, f"{type(error).__name__} {1 + DEATHS} times: look into the logs of the Ray cluster")


def _draw(setup: Setup, order: Order) -> Outcome:
    archive, history = _opened(setup)
    return draw(archive, history, order)


@lru_cache(maxsize=1)
def _opened(setup: Setup) -> tuple[Archive, History]:
    return setup.open_archive(), History(setup.history)


def _reach(address: str) -> None:
    """Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    more = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if address == HERE else {}
    try:
        _reach(address)
        # what a machine prints is not what the command prints
        ray.init(address=address, logging_level="warning", log_to_driver=False, **more)
    except (OSError, ValueError, RuntimeError) as error:
        raise ClusterError(f"--ray {address}: {error}; start one with `ray start`, or leave ADDRESS out") from None
    try:
        yield
    finally:
        ray.shutdown()

"""Commands of `perigee-cluster` that make and serve products; what group serve brings is loaded as they run."""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing.synchronize import Event as Ended
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from perigee_cluster.following import Event, Follower, Setup

Define = Callable[..., argparse.ArgumentParser]


def add(groups: Any, define: Define) -> None:
    """Adds the commands; `define(group, name, run, about, *examples)` makes one."""
    command = define(groups, "follow", _follow, "Make products of an archive as it grows, until it is ended.",
        "perigee-cluster follow archive --history history --products products",
        "perigee-cluster follow archive --history history --products products --once --workers 4")  # fmt: skip
    _places(command)
    command.add_argument("--once", action="store_true", help="end when nothing is left to do now")
    command.add_argument("--workers", metavar="N", type=_number, default=1, help="processes (default 1)")
    command.add_argument("--method", metavar="ID", action="append", dest="methods",
        help="any number of times (default: deterministic, then regressed-1)")  # fmt: skip

    command = define(groups, "reprocess", _reprocess,
        "Make products of frames by one method once more, beside what is there.",
        "perigee-cluster reprocess archive --history history --products products --model regressed-1",
        "perigee-cluster reprocess archive --history history --products products --model regressed-1"
        " --ray 10.0.0.1:6379")  # fmt: skip
    _places(command)
    command.add_argument("--model", metavar="ID", required=True, help="the method")
    command.add_argument("--since", metavar="TIME", type=_time, help="only of frames acquired since, as 2026-01-31")
    command.add_argument("--station", metavar="NAME", help="only of this station")
    command.add_argument("--ray", metavar="ADDRESS", nargs="?", const="local",
        help="on the machines of this Ray cluster; without ADDRESS on all cores of this one")  # fmt: skip

    command = define(groups, "serve", _serve, "Serve products, tiles, a STAC API and a page over HTTP.",
        "perigee-cluster serve archive --history history --products products",
        "perigee-cluster serve archive --history history --products products --listen 0.0.0.0:9479"
        " --token-file token --host eo.example")  # fmt: skip
    _places(command)
    command.add_argument("--listen", metavar="HOST:PORT", type=_address, default=("127.0.0.1", 9479),
        help="default 127.0.0.1:9479; beyond loopback it needs a token")  # fmt: skip
    command.add_argument("--token-file", metavar="FILE", type=Path, help="first line: what a request must bring along")
    command.add_argument("--host", metavar="NAME", action="append", dest="hosts", default=[],
        help="a name under which it may be asked, besides that of --listen; any number of times")  # fmt: skip
    command.add_argument(
        "--pixels", metavar="N", type=_number, default=4_194_304, help="of one picture (default 4194304)"
    )
    command.add_argument("--jobs", metavar="N", type=_number, default=64, help="that may wait (default 64)")
    command.add_argument(
        "--workers", metavar="N", type=_number, default=1, help="threads that make products (default 1)"
    )
    command.add_argument("--cache", metavar="BYTES", type=_size, default=4 << 30,
        help="of products made on request (default 4G)")  # fmt: skip

    command = define(groups, "metrics", _metrics, "Print what followers of a folder of products did, as OpenMetrics.",
        "perigee-cluster metrics products")  # fmt: skip
    command.add_argument("products", metavar="PRODUCTS", type=Path, help="folder of products")


def _places(command: argparse.ArgumentParser) -> None:
    from perigee_cluster.cli import archive_options

    archive_options(command)
    command.add_argument("--history", metavar="DIR", type=Path, required=True, help="folder of the history")
    command.add_argument("--products", metavar="DIR", type=Path, required=True, help="folder of products")
    command.add_argument("--quota", metavar="BYTES", type=_size, help="of all products, as 20G; the oldest go first")
    command.add_argument("--keep-days", metavar="N", type=_number, help="products go when they are older")
    command.add_argument("--keep", metavar="N", type=_number, help="dates of history that a place may have")


def _setup(given: argparse.Namespace, methods: tuple[str, ...] | None = None) -> Setup:
    from perigee_cluster.cli import CONFIG, CommandError, firmware

    try:
        from perigee_cluster.following import Setup
    except ImportError as error:
        raise CommandError(CONFIG, f"{error}: `make cluster GROUPS=serve` installs it") from None
    options = {} if methods is None else {"methods": methods}
    return Setup(
        given.archive, tuple(firmware(given.firmware)), given.history, given.products, given.segments,
        quota=given.quota, keep_days=given.keep_days, keep_dates=given.keep, **options,
    )  # fmt: skip


def _follow(given: argparse.Namespace) -> int:
    setup = _checked(lambda: _setup(given, tuple(given.methods) if given.methods else None))
    next(setup.open_archive().frames(), None)  # an archive that is not there is said at once
    spawn = multiprocessing.get_context("spawn")
    ended = spawn.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    workers = [
        spawn.Process(target=worker, args=(setup, ended, given.once, given.json)) for _ in range(given.workers - 1)
    ]
    for one in workers:
        one.start()
    worker(setup, ended, given.once, given.json)
    for one in workers:
        one.join()
    return max((one.exitcode or 0 for one in workers), default=0)


def worker(setup: Setup, ended: Ended, once: bool, is_json: bool) -> None:
    """One process of `follow`."""
    from perigee_cluster.following import Follower, follow

    if multiprocessing.parent_process() is not None:
        # the first process hears the signals and tells the others; one whose first process died ends by itself
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=_end_with_parent, args=(ended,), daemon=True).start()
    follow(Follower(setup, _reporter(is_json)), ended.is_set, ended.wait, once)


def _end_with_parent(ended: Ended) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        ended.set()


def _reporter(is_json: bool) -> Callable[[Event], None]:
    output = sys.stdout

    def say(event: Event) -> None:
        if is_json:
            text = json.dumps(event.to_json(), sort_keys=True)
        else:
            figures = f" {event.octets} octets in {event.seconds:.2f} s" if event.outcome == "made" else ""
            text = f"{event.frame} {event.method} {event.outcome}{figures}{': ' + event.reason if event.reason else ''}"
        # one write a line: several processes share the output
        output.write(text + "\n")
        output.flush()

    return say


def _reprocess(given: argparse.Namespace) -> int:
    from perigee_cluster.cli import OK

    setup = _checked(lambda: _setup(given))
    from perigee_cluster.following import Follower

    follower = Follower(setup, _reporter(given.json))
    follower.look()
    follower.remember()
    count = _checked(lambda: follower.reprocess(given.model, given.since, given.station))
    if given.ray:
        _work_on_ray(follower, given.model, given.ray)
    else:
        while follower.work([given.model]) is not None:
            pass
    if not given.json:
        sys.stdout.write(f"{count} frames by {given.model}\n")
    return OK


def _work_on_ray(follower: Follower, method: str, address: str) -> None:
    from perigee_cluster.cli import CONFIG, UNAVAILABLE, CommandError

    try:
        from perigee_cluster.following.on_ray import ClusterError, work_on_ray
    except ImportError as error:
        raise CommandError(CONFIG, f'{error}: `make cluster GROUPS="serve ray"` installs it') from None
    try:
        # Ray prints what became of its machines to standard output, which is ours
        with contextlib.redirect_stdout(sys.stderr):
            work_on_ray(follower, [method], address)
    except ClusterError as error:
        raise CommandError(UNAVAILABLE, str(error)) from None


def _serve(given: argparse.Namespace) -> int:
    from perigee_cluster.cli import CONFIG, OK, UNAVAILABLE, CommandError

    setup = _checked(lambda: _setup(given))
    import uvicorn

    from perigee_cluster.serving import Limits, create_app
    from perigee_cluster.serving.access import TokenError, is_loopback, read_token

    host, port = given.listen
    try:
        token = None if given.token_file is None else read_token(given.token_file)
    except (OSError, TokenError, UnicodeDecodeError) as error:
        raise CommandError(CONFIG, f"--token-file: {error}") from None
    if token is None and not is_loopback(host):
        raise CommandError(CONFIG, f"--listen is {host}, which others reach: give --token-file, or listen on 127.0.0.1")
    next(setup.open_archive().frames(), None)  # an archive that is not there is said at once
    names = [] if host in ("0.0.0.0", "::") and not given.hosts else [host, "localhost", *given.hosts]
    app = create_app(setup, Limits(given.pixels, given.jobs, given.workers, given.cache), token, names)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CommandError(UNAVAILABLE, f"--listen {host}:{port}: {error.strerror}; name another port") from None
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
    sys.stdout.write(json.dumps({"address": address}) + "\n" if given.json else f"{address}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, limit_concurrency=256)
    # uvicorn ends in order, and then raises the signal that ended it once more: that is no failure
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(OK))
    uvicorn.Server(config).run(sockets=[listening])
    return OK


def _metrics(given: argparse.Namespace) -> int:
    from perigee_cluster.cli import OK, UNAVAILABLE, CommandError

    if not given.products.is_dir():
        raise CommandError(UNAVAILABLE, f"no folder {given.products}: name that of `perigee-cluster follow --products`")
    from perigee_cluster.following import openmetrics
    from perigee_cluster.products import Shelf

    text = openmetrics(Shelf(given.products))
    sys.stdout.write(json.dumps({"metrics": text}) + "\n" if given.json else text)
    return OK


def _checked(make: Callable[[], Any]) -> Any:
    from perigee_cluster.cli import USAGE, CommandError

    try:
        return make()
    except ValueError as error:
        raise CommandError(USAGE, str(error)) from None


def _number(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count, must be 1 or more")
    return number


def _size(text: str) -> int:
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}.get(text[-1:].upper(), 1)
    digits = text[:-1] if factor > 1 else text
    if not digits.isdecimal() or int(digits) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, must be a count of octets, or end with K, M, G or T")
    return int(digits) * factor


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address, must be as 127.0.0.1:9479 or [::1]:9479")
    return host.strip("[]"), int(port)


def _time(text: str) -> np.datetime64:
    try:
        return np.datetime64(text.removesuffix("Z"), "ms")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, must be as 2026-01-01T00:00:00, UTC") from None

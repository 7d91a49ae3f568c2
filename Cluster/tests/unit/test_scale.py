"""Reprocessing on a Ray cluster of two nodes on this machine, one of which is killed (slow)."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rasterio", reason="group serve is not installed: make cluster GROUPS=serve")

from archives import FIRMWARE, ROOT, VISITS, Live, Year, need_programs
from perigee_cluster.following.locks import Locks, PlaceLocks
from perigee_cluster.products import RECONSTRUCTED

PLACES, DATES = 6, 4
FRAMES = PLACES * DATES
slow = pytest.mark.skipif(os.environ.get("PERIGEE_SLOW") != "1", reason="a minute: PERIGEE_SLOW=1 or `make test-slow`")


def test_several_tasks_of_a_process_share_the_lock_of_a_place(tmp_path: Path) -> None:
    mine = PlaceLocks(tmp_path)
    assert mine.take(["a", "b"]) and mine.take(["b", "c"])
    mine.give(["a", "b"])
    with Locks(tmp_path) as other:
        assert other.take(["a"]) and not other.take(["b"])
        assert not mine.take(["d", "a"])
        assert other.take(["d"])
    mine.give(["b", "c"])
    with Locks(tmp_path) as other:
        assert other.take(["a", "b", "c"])


def test_reprocessing_needs_ray_only_where_it_is_asked_for(year: Year, tmp_path: Path) -> None:
    words = _words(year.archive, tmp_path / "products", tmp_path)[3:]
    script = "import sys; sys.modules['ray'] = None; from perigee_cluster.cli import main; sys.exit(main(sys.argv[1:]))"

    def without_ray(*more: str) -> subprocess.CompletedProcess[str]:
        words_too = [sys.executable, "-c", script, *words, *more]
        return subprocess.run(words_too, capture_output=True, text=True, cwd=ROOT / "Cluster", check=False)

    refused = without_ray("--ray")
    assert refused.returncode == 78 and 'make cluster GROUPS="serve ray"' in refused.stderr
    done = without_ray()
    assert done.returncode == 0 and done.stdout.count('"outcome": "made"') == len(VISITS), done.stderr


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Two nodes of one core each, on loopback, without a dashboard."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "Cluster"))
    pytest.importorskip("ray", reason='group ray is not installed: make cluster GROUPS="serve ray"')
    from ray.cluster_utils import Cluster

    # short, since sockets below it have names of at most 107 octets
    folder = tempfile.mkdtemp(prefix="ray-")
    monkeypatch.setenv("RAY_TMPDIR", folder)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", f"{folder}/token")
    Path(folder, "token").write_text(secrets.token_hex(32))
    Path(folder, "ray").mkdir()
    # Ray takes 127.0.0.1 for another name of the outer address
    options = {
        "num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False, "node_ip_address": "127.0.0.2",
    }  # fmt: skip
    noticing = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
    both = Cluster()
    try:
        both.add_node(**options, _system_config=noticing)
        yield SimpleNamespace(address=both.address, other=both.add_node(**options))
    finally:
        both.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@slow
def test_an_address_without_a_cluster_is_refused_at_once(year: Year, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason='group ray is not installed: make cluster GROUPS="serve ray"')
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        words = [
            *_words(year.archive, tmp_path / "products", tmp_path),
            "--ray",
            f"127.0.0.1:{nobody.getsockname()[1]}",
        ]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT / "Cluster", check=False)
    assert done.returncode == 69 and "start one with `ray start`" in done.stderr


@slow
def test_a_node_that_dies_costs_no_product_and_doubles_none(cluster: SimpleNamespace, tmp_path: Path) -> None:
    need_programs()
    archive = _archive(tmp_path)
    words = [*_words(archive, tmp_path / "products", tmp_path), "--ray", cluster.address]
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT / "Cluster") as process,
    ):
        said = _lines(process)
        events = [next(said)]
        workers = _wait_for_workers(cluster.other, said, events)
        # stopped with a task in their hands, they cannot end it before they are killed
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        events += [next(said), next(said)]
        assert len(events) < FRAMES
        for worker in [*workers, *_processes(cluster.other)]:
            os.kill(worker, signal.SIGKILL)
        events += said
        assert process.wait() == 0
    made = Counter(event["frame"] for event in events if event["outcome"] == "made")
    assert len(made) == FRAMES and set(made.values()) == {1}
    assert {event["outcome"] for event in events} == {"made"}
    assert "so the task will be retried" in log.read_text()
    # Ray gives a task of one core one thread, and sums depend on how many there are
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(_words(archive, tmp_path / "alone", tmp_path), cwd=ROOT / "Cluster", env=one_thread, check=True)
    assert _files(tmp_path / "products") == _files(tmp_path / "alone")
    assert len(_files(tmp_path / "alone")) == 3 * FRAMES


def _words(archive: Path, products: Path, folder: Path) -> list[str]:
    words = [sys.executable, "-m", "perigee_cluster", "reprocess", str(archive), "--model", RECONSTRUCTED, "--json"]
    return [*words, "--history", str(folder / "history"), "--products", str(products), "--firmware", str(FIRMWARE[0])]


def _archive(folder: Path) -> Path:
    live = Live.start(folder)
    try:
        live.send("--places", str(PLACES), "--visits", str(DATES), "--rows", "96", "--columns", "96", "--clouds", "0")
    finally:
        live.stop()
    return folder / "gateway" / "archive"


def _lines(process: subprocess.Popen[str]) -> Iterator[dict]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def _processes(node: object) -> list[int]:
    return [one.process.pid for kind in node.all_processes.values() for one in kind]


def _wait_for_workers(node: object, said: Iterator[dict], events: list[dict]) -> list[int]:
    """Processes of a node that are at a task."""
    while True:
        raylet = node.all_processes["raylet"][0].process.pid
        found = [pid for pid in _children(raylet) if b"ray::_draw" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if found:
            return found
        events.append(next(said))


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*/*/*.tif")}

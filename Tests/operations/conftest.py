"""A real station and gateway with frames on their way, and a real Prometheus that scrapes both."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from alert_cases import ROOT, RULES

PROGRAMS = Path(os.environ.get("PERIGEE_PROGRAMS", ROOT / ".build" / "release"))


@dataclass(frozen=True)
class Observed:
    """Where the three answer."""

    prometheus: str
    station: str
    gateway: str

    def query(self, expression: str) -> list[dict]:
        """What Prometheus says to it now."""
        question = urllib.parse.urlencode({"query": expression})
        answer = json.loads(fetch(f"{self.prometheus}/api/v1/query?{question}"))
        assert answer["status"] == "success", answer
        return answer["data"]["result"]


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(what: str, seconds: float, is_so: Callable[[], bool], processes: list[subprocess.Popen]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, AssertionError, KeyError, IndexError):
            if is_so():
                return
        ended = [process.args for process in processes if process.poll() is not None]
        assert not ended, f"{ended} ended while {what} was waited for"
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def write_configurations(folder: Path, station: int, gateway: int, prometheus: int) -> None:
    (folder / "gateway.toml").write_text(f"""[gateway]
endpoint = "ipc://{folder}/link.sock"
[archive]
directory = "archive"
[status]
file = "gateway.json"
[http]
listen = "127.0.0.1:{gateway}"
""")
    (folder / "station.toml").write_text(f"""[station]
id = "alpha"
[intake]
endpoints = [ {{ mode = "pull", endpoint = "ipc://{folder}/frames.sock" }} ]
[encoder]
lanes = 1
[sensors]
directory = "{ROOT}/Config/sensors"
[firmware]
directory = "{ROOT}/Firmware"
name = "perigee-1"
slots = "slots"
[spool]
directory = "spool"
quota_bytes = "64 MiB"
reserved_bytes = "1 MiB"
ballast_bytes = "1 MiB"
[gateway]
endpoint = "ipc://{folder}/link.sock"
[control]
places_file = "places.bin"
[status]
file = "station.json"
[http]
listen = "127.0.0.1:{station}"
""")
    jobs = {"perigee": station, "perigee-gateway": gateway}
    (folder / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [
                    {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                    for job, port in jobs.items()
                ],
            }
        )
    )


def start(folder: Path, name: str, *words: str) -> subprocess.Popen:
    with (folder / f"{Path(name).name}.log").open("wb") as log:
        return subprocess.Popen([name, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def publish(folder: Path, visits: int) -> None:
    words = ["simulate", "--publish", "--endpoint", f"ipc://{folder}/frames.sock", "--rows", "128", "--columns", "128"]
    words += ["--visits", str(visits), "--home", str(ROOT)]
    subprocess.run([PROGRAMS / "perigee", *words], check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Started once; frames were delivered and scraped at least twice after."""
    folder = tmp_path_factory.mktemp("observed")
    ports = [free_port() for _ in range(3)]
    write_configurations(folder, *ports)
    here = Observed(*(f"http://127.0.0.1:{port}" for port in (ports[2], ports[0], ports[1])))
    processes = [
        start(folder, str(PROGRAMS / "perigee-gateway"), "--config", "gateway.toml"),
        start(folder, str(PROGRAMS / "perigeed"), "--config", "station.toml"),
        start(
            folder, "prometheus", "--config.file=prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{ports[2]}",
        ),
    ]  # fmt: skip
    try:
        for what in (f"{here.station}/readyz", f"{here.gateway}/readyz", f"{here.prometheus}/-/ready"):
            wait(what, 60, lambda url=what: bool(fetch(url)), processes)
        # The first scrape must come before the frames, else no counter grows.
        wait("the first scrape", 30, lambda: len(here.query("up == 1")) == 2, processes)
        publish(folder, 4)
        delivered = "perigee_ledger_delivered_total >= 4 and perigee_ledger_waiting == 0"
        wait("the frames in the metrics", 60, lambda: bool(here.query(delivered)), processes)
        wait("two looks", 30, lambda: len(here.query(f"({delivered}) and changes(up[5s]) == 0")) == 1, processes)
        yield here
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)

"""A station and a gateway with keys, each under a supervisor of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.daemons import ROOT, Gateway, Station, perigee, programs
from service.supervisor import Supervisor, Times
from service.unit import Unit

UNITS = ROOT / "Systemd"


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody uses now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Site:
    """Configurations and keys of one station and one gateway, over TCP of the loopback with CURVE."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        link, frames = free_ports(2)
        self.frames = f"tcp://127.0.0.1:{frames}"
        endpoint = f"tcp://127.0.0.1:{link}"
        self._keys = folder / "keys"
        self._keys.mkdir()
        for name in ("station", "gateway"):
            perigee("keys", "gen", "-d", str(self._keys), name)
        http = 'listen = "127.0.0.1:0"'
        self.gateway = Gateway(folder / "gateway", endpoint, http=http)
        self.station = Station(folder / "station", self.frames, endpoint, http=http)
        for end, there in ((self.station, "gateway.pub"), (self.gateway, "stations/alpha.pub")):
            path = end.status_file.parent / "keys" / there
            path.parent.mkdir(parents=True)
            shutil.copy(self._keys / ("gateway.pub" if end is self.station else "station.pub"), path)
        self._running: list[Supervisor] = []

    def supervise(
        self,
        name: str,
        times: Times | None = None,
        unit: Path | None = None,
        environment: dict[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> Supervisor:
        """Starts `perigeed` or `perigee-gateway` as its unit says."""
        end = self.station if name == "perigeed" else self.gateway
        secret = "station" if name == "perigeed" else "gateway"
        supervisor = Supervisor(
            Unit(unit or UNITS / f"{name}.service"), self.folder / f"{name}-{len(self._running)}",
            ["--config", str(end.status_file.parent / f"{end.status_file.stem}.toml")],
            {"curve.secret": (self._keys / f"{secret}.secret").read_bytes()},
            times or Times(), environment or {}, list(prefix),
        )  # fmt: skip
        self._running.append(supervisor)
        supervisor.start()
        return supervisor

    def stop(self) -> None:
        """Ends what still runs, last come first: a station whose gateway is gone waits for it."""
        for supervisor in reversed(self._running):
            supervisor.stop()


@contextmanager
def _site() -> Iterator[Site]:
    """In a folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="perigee-service-"))
    made = Site(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site() -> Iterator[Site]:
    """A site."""
    with _site() as made:
        yield made


@pytest.fixture
def other_site() -> Iterator[Site]:
    """One that knows nothing of the first."""
    with _site() as made:
        yield made


@pytest.fixture(scope="session")
def hold_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hold.c as a library for LD_PRELOAD."""
    library = tmp_path_factory.mktemp("hold") / "hold.so"
    # a machine that has only what Swift asks for may have no `cc`, but Swift brings clang
    compiler = shutil.which("cc") or "clang"
    source = Path(__file__).with_name("hold.c")
    words = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", str(library), str(source)]
    subprocess.run([compiler, *words, "-pthread", "-ldl"], check=True)
    return library


assert programs().is_dir(), "build the daemons first: swift build -c release"

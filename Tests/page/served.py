"""The real daemons: one station, one gateway, frames between them, both with a page."""

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from faults.daemons import Gateway, Station, wait_for
from faults.source import Source


def loopback() -> str:
    """An address of this machine that only this run uses: fixed ports at it are free."""
    number = os.getpid()
    return f"127.78.{number >> 8 & 255}.{max(1, number & 255)}"


class Served:
    """A pair of daemons in a folder of their own, and a source for it."""

    def __init__(self, number: int = 0, mode: str = "acknowledged", name: str = "alpha") -> None:
        """`number` tells pairs of one run apart."""
        self.folder = Path(tempfile.mkdtemp(prefix="perigee-page-"))
        link, self.frames = f"ipc://{self.folder}/link", f"ipc://{self.folder}/frames"
        self._addresses = {
            kind: f"{loopback()}:{port + 10 * number}" for kind, port in (("station", 9477), ("gateway", 9478))
        }
        self.gateway = Gateway(self.folder / "gateway", link, self._http("gateway"))
        pictures = "quicklook_every = 1"
        self.station = Station(self.folder / "station", self.frames, link, tables=f"{self._http('station')}\n{pictures}")
        self.source = Source(self.frames)

    def __enter__(self) -> "Served":
        self.gateway.start_until_ready()
        self.station.start_until_ready()
        self.source.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.source.close()
        self.station.kill()
        self.gateway.kill()
        shutil.rmtree(self.folder)

    def _http(self, kind: str) -> str:
        return f'[http]\nlisten = "{self._addresses[kind]}"'

    def address(self, kind: str) -> str:
        return f"http://{self._addresses[kind]}"

    def send(self, count: int, sensor: str = "sentinel-2-l2a") -> None:
        """Sends frames and waits until the station says that each is on its disk."""
        self.source.sensor = sensor
        for _ in range(count):
            self.source.give()

        def is_stored() -> bool:
            self.source.drive(20)
            return self.source.unanswered == 0

        wait_for("the station to store frames", is_stored, 60, (self.station,))

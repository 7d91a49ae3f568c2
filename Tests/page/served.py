"""The real daemons: one station, one gateway, frames between them, both with a page."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from frames import Frame, Sensor

from faults.daemons import Gateway, Station, wait_for


def loopback() -> str:
    """An address of this machine that only this run uses: fixed ports at it are free."""
    number = os.getpid()
    return f"127.78.{number >> 8 & 255}.{max(1, number & 255)}"


class Served:
    """A pair of daemons in a folder of their own, and sensors for it."""

    def __init__(self, number: int = 0, target: str = "300x", has_token: bool = False) -> None:
        """`number` tells pairs of one run apart; `has_token`: both ask for `token`."""
        self.folder = Path(tempfile.mkdtemp(prefix="perigee-page-"))
        self.token = secrets.token_urlsafe(24) if has_token else ""
        link = f"ipc://{self.folder}/link"
        self._intake = f"ipc://{self.folder}/frames"
        self._addresses = {
            kind: f"{loopback()}:{port + 10 * number}" for kind, port in (("station", 9477), ("gateway", 9478))
        }
        self.gateway = Gateway(self.folder / "gateway", link, http=self._http("gateway"))
        http = self._http("station") + "\nquicklook_every = 1"
        self.station = Station(self.folder / "station", self._intake, link, mode="pull", target=target, http=http)
        self._sensors: list[Sensor] = []

    def __enter__(self) -> Self:
        self.gateway.start_until_ready()
        self.station.start_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sensor in self._sensors:
            sensor.close()
        self.station.kill()
        self.gateway.kill()
        shutil.rmtree(self.folder)

    def _http(self, kind: str) -> str:
        listen = f'listen = "{self._addresses[kind]}"'
        if not self.token:
            return listen
        path = self.folder / "token"
        path.write_text(f"{self.token}\n")
        path.chmod(0o600)
        return f'{listen}\ntoken_file = "{path}"'

    def address(self, kind: str) -> str:
        return f"http://{self._addresses[kind]}"

    def sensor(self, name: str, frames: list[Frame]) -> Sensor:
        """A sensor at the station's intake."""
        self._sensors.append(Sensor(name, self._intake, frames))
        return self._sensors[-1]

    def wait(self, member: str, count: int) -> None:
        """Until the station's ledger has so many there."""
        wait_for(f"{member} {count}", lambda: self.station.ledger().get(member) == count, 120, (self.station,))

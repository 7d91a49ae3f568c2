"""The real station and gateway, with a target of their own and one folder for all that they keep."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120.0
"""Seconds in which at least one frame must be delivered."""
LOOK = 0.05


class DemoError(Exception):
    """Why the demo cannot go on; ends with the remedy."""


def home() -> Path:
    """The folder that holds Config/sensors and Firmware."""
    given = os.environ.get("PERIGEE_HOME")
    for folder in [Path(given)] if given else [ROOT, Path("/usr/share/perigee")]:
        if (folder / "Config" / "sensors").is_dir() and (folder / "Firmware" / "perigee-1").is_dir():
            return folder.resolve()
    raise DemoError("Config/sensors and Firmware/perigee-1 are not found: set PERIGEE_HOME to the folder of both")


def program(name: str) -> Path:
    """$PERIGEE_PROGRAMS, the release build, or what is installed."""
    given = os.environ.get("PERIGEE_PROGRAMS")
    found = Path(given or ROOT / ".build" / "release") / name
    if found.is_file():
        return found
    installed = None if given else shutil.which(name)
    if installed is None:
        raise DemoError(f"no program {found}: run `make build`, or set PERIGEE_PROGRAMS to the folder of the programs")
    return Path(installed)


def perigee(*words: str) -> None:
    """Runs the program `perigee`."""
    done = subprocess.run(
        [str(program("perigee")), *words], capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode != 0:
        raise DemoError(f"perigee {words[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def _environment() -> dict[str, str]:
    return {**os.environ, "PERIGEE_HOME": str(home()), "SWIFT_BACKTRACE": "enable=no"}


@dataclass(frozen=True)
class Daemons:
    """A station and its gateway that run."""

    folder: Path
    intake: str
    processes: tuple[subprocess.Popen[bytes], ...]

    @property
    def archive(self) -> Path:
        """The gateway's."""
        return self.folder / "archive"

    def send(self, files: Sequence[Path], sensor: str) -> None:
        """Publishes frames, and waits until the gateway has filed them all, so that later ones may lean on them."""
        wanted = self._delivered() + len(files)
        perigee("publish", "--sensor", sensor, "--endpoint", self.intake, "--wait", "120", *map(str, files))
        last, since = self._delivered(), time.monotonic()
        while (now := self._delivered()) < wanted:
            if now != last:
                last, since = now, time.monotonic()
            for process in self.processes:
                if process.poll() is not None:
                    raise DemoError(f"a daemon ended with {process.returncode}: see the logs in {self.folder}")
            if time.monotonic() - since > PATIENCE:
                raise DemoError(f"{wanted - now} frames were not delivered: see the logs in {self.folder}")
            time.sleep(LOOK)

    def _delivered(self) -> int:
        try:
            ledger = json.loads((self.folder / "station.json").read_text()).get("ledger", {})
        except FileNotFoundError:
            return 0
        if any(ledger.get("rejected", {}).values()):
            raise DemoError(f"the station rejected a frame: see {self.folder}/station.log")
        return ledger.get("delivered", 0)


@contextlib.contextmanager
def running(folder: Path, target: str, has_memory: bool = True, is_fixed: bool = False) -> Iterator[Daemons]:
    """Starts both on what `folder` holds, which may be nothing; ends them in order. `is_fixed`: surprising frames get
    no more than the others, and no finer layers are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "station.json").unlink(missing_ok=True)
    # paths of sockets may have 107 octets
    with tempfile.TemporaryDirectory(prefix="perigee-", dir="/tmp") as sockets, contextlib.ExitStack() as ends:
        link, intake = f"ipc://{sockets}/link", f"ipc://{sockets}/frames"
        (folder / "station.toml").write_text(_station(link, intake, target, has_memory, is_fixed))
        (folder / "gateway.toml").write_text(_gateway(link))
        names = (("perigee-gateway", "gateway"), ("perigeed", "station"))
        yield Daemons(folder, intake, tuple(ends.enter_context(_process(name, folder, own)) for name, own in names))


@contextlib.contextmanager
def _process(name: str, folder: Path, own: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{own}.log").open("ab") as log:
        process = subprocess.Popen(
            [str(program(name)), "--config", str(folder / f"{own}.toml")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=_environment(),
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _station(link: str, intake: str, target: str, has_memory: bool, is_fixed: bool) -> str:
    memory = "" if has_memory else "[memory]\nbytes = 0"
    targets = f'best_target = "{target}"\nkept_target = "{target}"' if is_fixed else ""
    return f"""[station]
id = "demo"
[intake]
endpoints = [ {{ mode = "pull", endpoint = "{intake}" }} ]
[encoder]
target = "{target}"
[sensors]
directory = "{home()}/Config/sensors"
[firmware]
directory = "{home()}/Firmware"
name = "perigee-1"
[spool]
directory = "spool"
[gateway]
endpoint = "{link}"
{memory}
[control]
places_file = "places.bin"
{targets}
[status]
file = "station.json"
[http]
listen = ""
"""


def _gateway(link: str) -> str:
    return f"""[gateway]
endpoint = "{link}"
[archive]
directory = "archive"
[status]
file = "gateway.json"
[http]
listen = ""
"""

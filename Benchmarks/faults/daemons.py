"""The real programs of one trial: own sockets, own state, ended by their ids."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
NO_HTTP = 'listen = ""'


class TrialError(Exception):
    """The contract was broken, or a program did not do what a trial waits for."""


def programs() -> Path:
    """Where the binaries lie: $PERIGEE_PROGRAMS, else the release build."""
    return Path(os.environ.get("PERIGEE_PROGRAMS", ROOT / ".build" / "release"))


def tool() -> Path:
    """The program `perigee`: beside the daemons, else that of the release build."""
    beside = programs() / "perigee"
    return beside if beside.exists() else ROOT / ".build" / "release" / "perigee"


class Program:
    """One process, started and ended many times; its words go to a file."""

    def __init__(self, name: str, words: list[str], log: Path, folder: Path | None = None) -> None:
        """`folder`: where the binary lies; else `programs()`."""
        self.name = name
        self.log = log
        self.variables: dict[str, str] = {}
        self.prefix: list[str] = []
        self._words = words
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self.notices = Notices(log.with_suffix(".notify"))

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Starts it; it must not run."""
        self.notices.read()
        binary = (self._folder or programs()) / self.name
        variables = {**os.environ, "PERIGEE_HOME": str(ROOT), "SWIFT_BACKTRACE": "enable=no", **self.variables}
        variables |= {"NOTIFY_SOCKET": str(self.notices.path), **(extra or {})}
        preload = variables.pop("LD_PRELOAD", None)
        # The library goes below the program alone, not below what starts it.
        starter = ["env", f"LD_PRELOAD={preload}"] if preload else []
        self._output = self.log.open("ab")
        self._process = subprocess.Popen(
            [*self.prefix, *starter, str(binary), *self._words],
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT, env=variables,
        )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """Its number."""
        if self._process is None:
            raise TrialError(f"{self.name} was never started")
        return self._process.pid

    def start_until_ready(self, extra: Mapping[str, str] | None = None, timeout: float = 30) -> float:
        """Starts it and waits for its READY=1; answers the seconds, as a `Stopwatch` does."""
        self.start(extra)
        watch = Stopwatch()
        wait_for(f"{self.name} to be ready", lambda: "READY=1" in self.notices.read(), timeout, (self,))
        return watch.seconds(self)

    def kill(self) -> None:
        """Ends it without a word."""
        self._end(signal.SIGKILL, 30)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal and goes on."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, timeout: float = 45) -> int:
        """Ends it in order; answers its exit code."""
        return self._end(signal.SIGTERM, timeout)

    def wait(self, timeout: float) -> int:
        """Waits for it to end by itself; answers its exit code."""
        if self._process is None:
            raise TrialError(f"{self.name} was never started")
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TrialError(f"{self.name} still runs after {timeout} s: {self.tail()}") from None
        self._close()
        return code

    def _end(self, number: signal.Signals, timeout: float) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self._close()
            raise TrialError(f"{self.name} did not end within {timeout} s: {self.tail()}") from None
        self._close()
        return code

    def _close(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def tail(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""

    def memory(self) -> int:
        """Octets of its memory that are resident now."""
        status = Path(f"/proc/{self.process_id}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def starved(self) -> float:
        """Seconds for which it was ready to run and a busy machine had no processor for it: of the thread with most."""
        waits = [0]
        for task in Path(f"/proc/{self.process_id}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # a thread may end meanwhile
                waits.append(int(task.read_text().split()[1]))
        return max(waits) / 1e9

    def processor_seconds(self) -> float:
        """Time of processors that it used."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Notices:
    """What a program tells the service manager, with the time of each word."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._lines: deque[str] = deque(maxlen=1000)
        threading.Thread(target=self._listen, daemon=True).start()  # who is not heard stops speaking, and working

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._lines.extend(self._socket.recv(4096).decode().splitlines())

    def read(self) -> list[str]:
        """Lines that came since the last look."""
        return [self._lines.popleft() for _ in range(len(self._lines))]


class Gateway(Program):
    """perigee-gateway with an archive in `folder`."""

    def __init__(
        self, folder: Path, endpoint: str, more: str = "", insecure: bool = False, binaries: Path | None = None,
        http: str = NO_HTTP,
    ) -> None:  # fmt: skip
        """`more`: tables appended to the configuration; `insecure`: no keys at a TCP address; `http`: lines of
        that table."""
        folder.mkdir(parents=True, exist_ok=True)
        self.archive = folder / "archive"
        self.status_file = folder / "gateway.json"
        self.endpoint = endpoint
        configuration = folder / "gateway.toml"
        configuration.write_text(f"""[gateway]
endpoint = "{endpoint}"
{"insecure = true" if insecure else ""}
[archive]
directory = "archive"
segment_bytes = "1 MiB"
[status]
file = "gateway.json"
[http]
{http}
{more}
""")
        super().__init__("perigee-gateway", ["--config", str(configuration)], folder / "gateway.log", binaries)

    def status(self) -> dict:
        """What its status file says; empty before there is one."""
        return read_status(self.status_file)


class Station(Program):
    """perigeed with a spool in `folder`."""

    def __init__(
        self, folder: Path, frames: str, link: str, *, mode: str = "acknowledged", spool: str = "", limits: str = "",
        gateway: str = "", target: str = "300x", firmware: str = "", tables: str = "", binaries: Path | None = None,
        http: str = NO_HTTP,
    ) -> None:  # fmt: skip
        """`frames`, `link`: endpoints. `spool`, `limits`, `gateway`, `http`: lines for those tables; `tables`: more."""
        folder.mkdir(parents=True, exist_ok=True)
        self.spool = folder / "spool"
        self.status_file = folder / "perigeed.json"
        configuration = folder / "perigeed.toml"
        configuration.write_text(f"""[station]
id = "alpha"
[intake]
endpoints = [ {{ mode = "{mode}", endpoint = "{frames}" }} ]
[limits]
frame_bytes = "4 MiB"
{limits}
[encoder]
target = "{target}"
lanes = 1
baseline_every = 1000
[sensors]
directory = "{ROOT}/Config/sensors"
[firmware]
directory = "{ROOT}/Firmware"
name = "perigee-1"
{firmware}
[spool]
directory = "spool"
{spool}
[gateway]
endpoint = "{link}"
drain_seconds = 5
{gateway}
[control]
places_file = "places.bin"
[status]
file = "perigeed.json"
[http]
{http}
{tables}
""")
        super().__init__("perigeed", ["--config", str(configuration)], folder / "perigeed.log", binaries)

    def status(self) -> dict:
        """What its status file says; empty before there is one."""
        return read_status(self.status_file)

    def ledger(self) -> dict:
        """The ledger of its status; raises where it does not hold, or the sums do not."""
        ledger = self.status().get("ledger", {})
        if ledger:
            check_ledger(ledger)
        return ledger


class Stopwatch:
    """Time since it was made, without what a busy machine kept the bench or a program started since from running."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._starved = self._own_starved()

    @staticmethod
    def _own_starved() -> float:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9

    def seconds(self, program: Program) -> float:
        """The seconds until now."""
        passed = time.monotonic() - self._begun
        return passed - max(program.starved(), self._own_starved() - self._starved)


def check_ledger(ledger: dict) -> None:
    """received = spooled + rejected + lost + in work; spooled = delivered + waiting + dropped + quarantined."""
    given = sum(ledger["rejected"].values()) + ledger["lost_at_crash"] + ledger["in_work"]
    gone = ledger["delivered"] + ledger["waiting"] + sum(ledger["dropped"].values()) + ledger["quarantined"]
    if ledger["received"] != ledger["spooled"] + given or ledger["spooled"] != gone or not ledger["balanced"]:
        raise TrialError(f"the ledger does not hold: {ledger}")


def read_status(path: Path) -> dict:
    """A status file, which is always whole; empty before there is one."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}


def wait_for(what: str, is_true: Callable[[], bool], timeout: float = 60, programs: tuple[Program, ...] = ()) -> float:
    """Waits until something holds; answers the seconds. `programs` must live meanwhile."""
    start = time.monotonic()
    while not is_true():
        for program in programs:
            if not program.is_running:
                raise TrialError(f"{program.name} ended while the bench waited for {what}: {program.tail()}")
        if time.monotonic() - start > timeout:
            tails = "; ".join(program.tail() for program in programs)
            raise TrialError(f"waited {timeout} s in vain for {what}: {tails}")
        time.sleep(0.01)
    return time.monotonic() - start


def perigee(*words: str, timeout: float = 120, codes: tuple[int, ...] = (0,)) -> str:
    """What `perigee` printed; raises where it ended otherwise than with one of `codes`."""
    done = subprocess.run(
        [str(tool()), *words], capture_output=True, text=True, timeout=timeout, check=False,
        env={**os.environ, "PERIGEE_HOME": str(ROOT), "SWIFT_BACKTRACE": "enable=no"},
    )  # fmt: skip
    if done.returncode not in codes:
        raise TrialError(f"perigee {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout

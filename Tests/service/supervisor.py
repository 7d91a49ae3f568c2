"""What systemd does for a daemon, as far as a unit file of ours asks for it, where systemd is not process 1.

NOTIFY_SOCKET with READY, RELOADING, WATCHDOG, STATUS, STOPPING and EXTEND_TIMEOUT_USEC; WATCHDOG_USEC with the end of
who does not speak; CREDENTIALS_DIRECTORY; RUNTIME_DIRECTORY; Restart=always with RestartSec= and
RestartPreventExitStatus=. Times may be shorter than those of the unit, so that a test does not take minutes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from faults.daemons import ROOT, programs
from service.unit import Unit


@dataclass
class Word:
    """One datagram of the daemon: when it came, of which process, and what it says."""

    at: float
    process: int
    values: dict[str, str]


@dataclass
class Times:
    """Seconds that a manager waits."""

    start: float = 60
    watchdog: float = 60
    stop: float = 45
    restart: float = 0.2


@dataclass
class End:
    """How one life of the daemon ended."""

    code: int
    reason: str = "itself"
    status: str = ""


@dataclass
class Supervisor:
    """Starts the program of a unit, listens to it, and starts it again."""

    unit: Unit
    folder: Path
    words: list[str]
    """Instead of those of ExecStart=, whose paths are those of an installed package."""
    credentials: dict[str, bytes] = field(default_factory=dict)
    times: Times = field(default_factory=Times)
    environment: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)
    heard: list[Word] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self._credentials = self.folder / "credentials"
        self.runtime = self.folder / "runtime"
        self._prevent = {int(word) for word in self.unit.words("RestartPreventExitStatus")}
        path = self.folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(str(path))
        self._notify = str(path)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Once; it runs until `stop`."""
        shutil.rmtree(self._credentials, ignore_errors=True)
        self._credentials.mkdir(mode=0o700)
        for name, octets in self.credentials.items():
            path = self._credentials / name
            path.write_bytes(octets)
            path.chmod(0o400)
        self.runtime.mkdir(exist_ok=True)  # RuntimeDirectoryPreserve=restart
        self._thread.start()

    def stop(self) -> None:
        """As `systemctl stop`."""
        self._is_stopping.set()
        self._thread.join(self.times.stop + 30)
        self._socket.close()

    def reload(self) -> None:
        """As `systemctl reload`: ExecReload=."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    @property
    def is_running(self) -> bool:
        """Whether a daemon lives now."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """Its number; 0 where none lives."""
        return self._process.pid if self._process is not None and self.is_running else 0

    def said(self, name: str, since: int = 0) -> list[Word]:
        """Words with that assignment, from the `since`-th word on."""
        return [word for word in self.heard[since:] if name in word.values]

    def text(self) -> str:
        """What it logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            end = self._live()
            self.ends.append(end)
            if end.code in self._prevent:
                return
            self._is_stopping.wait(self.times.restart)

    def _spawn(self) -> subprocess.Popen[bytes]:
        variables = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        variables |= {
            "PERIGEE_HOME": str(ROOT), "SWIFT_BACKTRACE": "enable=no", "NOTIFY_SOCKET": self._notify,
            "WATCHDOG_USEC": str(int(self.times.watchdog * 1e6)), "CREDENTIALS_DIRECTORY": str(self._credentials),
            "RUNTIME_DIRECTORY": str(self.runtime),
        }  # fmt: skip
        words = self.unit.words("ExecStart")
        binary = programs() / Path(words[0]).name
        # the library of a test goes below the daemon alone
        extra = [f"{name}={value}" for name, value in self.environment.items()]
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [*self.prefix, "env", *extra, str(binary), *self.words],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=variables,
            )  # fmt: skip

    def _live(self) -> End:
        """One life of the daemon, from its start to its end."""
        process = self._process = self._spawn()
        deadline = time.monotonic() + self.times.start
        is_ready = False
        status = ""
        end = End(0)
        while process.poll() is None:
            if self._is_stopping.is_set():
                self._end(process, signal.SIGTERM)
                end.reason = "asked"
                break
            for word in self._listen(process.pid):
                status = word.values.get("STATUS", status)
                if "READY" in word.values and not is_ready:
                    is_ready = True
                    deadline = word.at + self.times.watchdog
                if is_ready and "WATCHDOG" in word.values:
                    deadline = word.at + self.times.watchdog
                if not is_ready and "EXTEND_TIMEOUT_USEC" in word.values:
                    deadline = max(deadline, word.at + int(word.values["EXTEND_TIMEOUT_USEC"]) / 1e6)
            if time.monotonic() > deadline:
                end.reason = "watchdog" if is_ready else "start"
                self._end(process, signal.SIGABRT)  # WatchdogSignal=
                break
        end.code = process.wait()
        end.status = status
        self._listen(process.pid)
        return end

    def _end(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        process.send_signal(number)
        until = time.monotonic() + self.times.stop
        while process.poll() is None and time.monotonic() < until:
            self._listen(process.pid)
        if process.poll() is None:
            process.kill()

    def _listen(self, main: int) -> list[Word]:
        """What comes within a moment. NotifyAccess=main: others are not heard."""
        words = []
        self._socket.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while True:
                octets, ancillary, _, _ = self._socket.recvmsg(8192, socket.CMSG_SPACE(12))
                sender = int.from_bytes(ancillary[0][2][:4], "little") if ancillary else 0
                if sender != main:
                    continue
                values = dict(line.split("=", 1) for line in octets.decode().splitlines())
                words.append(Word(time.monotonic(), sender, values))
                self.heard.append(words[-1])
        return words

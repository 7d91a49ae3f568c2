"""A source of frames by Docs/frame-format.md, which remembers every frame that it sent and what it was told of it."""

from __future__ import annotations

import functools
import json
import os
import time
from pathlib import Path

import numpy as np
import tifffile
import zmq

from faults.daemons import TrialError, perigee
from faults.trial import WORK

BANDS = ("B02", "B03", "B04", "B08")
SIDE = 64
SEND_AGAIN_SECONDS = 3.0


@functools.cache
def scenes() -> tuple[bytes, ...]:
    """Samples of simulated frames, [bands][rows][columns] of uint16; made once and kept."""
    folder = WORK / "scenes"
    if not list(folder.glob("*.tif")):
        folder.mkdir(parents=True, exist_ok=True)
        words = ["--places", "2", "--visits", "4", "--rows", str(SIDE), "--columns", str(SIDE)]
        for band in BANDS:
            words += ["--band", band]
        perigee("simulate", "-o", str(folder), *words)
    return tuple(_samples(path) for path in sorted(folder.glob("*.tif")))


def _samples(path: Path) -> bytes:
    samples = tifffile.imread(path)
    if samples.shape[-1] == len(BANDS):
        samples = np.moveaxis(samples, -1, 0)
    if samples.shape != (len(BANDS), SIDE, SIDE):
        raise TrialError(f"{path.name} has shape {samples.shape}: remove {path.parent}")
    return np.ascontiguousarray(samples.astype("<u2")).tobytes()


class Source:
    """One run of one sensor over one socket."""

    def __init__(self, endpoint: str, mode: str = "acknowledged", size: int = 0) -> None:
        """`mode`: acknowledged, push, or pub. `size` above 0: frames of noise of so many octets, which travel as
        they are."""
        self.endpoint = endpoint
        self.mode = mode
        self.sensor = "noise" if size else "sentinel-2-l2a"
        self.size = size
        self.run = os.urandom(6).hex()
        self.sent: list[str] = []
        self.stored: set[str] = set()
        self.stored_at: list[tuple[int, str]] = []
        """(what `clock` said at that moment, frame)"""
        self.rejected: dict[str, str] = {}
        self.clock = lambda: 0
        self._names: set[str] = set()
        self._unanswered: dict[str, list[bytes]] = {}
        self._queue: list[list[bytes]] = []
        self._socket: zmq.Socket | None = None
        self._heard = time.monotonic()

    def connect(self) -> None:
        """A fresh socket; in the acknowledged mode everything without an answer goes out again."""
        self.close()
        kind = {"acknowledged": zmq.DEALER, "push": zmq.PUSH, "pub": zmq.PUB}[self.mode]
        socket = zmq.Context.instance().socket(kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RECONNECT_IVL, 20)
        if self.mode == "pub":
            socket.bind(self.endpoint)
        else:
            socket.set(zmq.SNDHWM, 16)
            socket.connect(self.endpoint)
        self._socket = socket
        if self.mode == "acknowledged":
            self._queue = list(self._unanswered.values())

    def close(self, linger: int = 0) -> None:
        """Goes away; what the socket took still goes out, for so many milliseconds."""
        if self._socket is not None:
            self._socket.close(linger)
            self._socket = None

    @property
    def unanswered(self) -> int:
        """Frames that nobody said are stored."""
        return len(self._unanswered)

    def name(self, seq: int) -> str:
        """What identifies a frame from here to the archive: the group in its metadata."""
        return f"{self.run}:{seq}"

    def give(self) -> str:
        """Makes the next frame and sends it as soon as it may be; answers its name."""
        seq = len(self.sent)
        name = self.name(seq)
        header: dict[str, object] = {
            "v": 1, "kind": "frame", "sensor": self.sensor, "run": self.run, "seq": seq, "group": name,
        }  # fmt: skip
        if self.size:
            samples = os.urandom(self.size)
            header |= {"dtype": "|u1", "shape": [1, 1, self.size], "bands": ["noise"]}
        else:
            samples = scenes()[seq % len(scenes())]
            header |= {
                "dtype": "<u2", "shape": [len(BANDS), SIDE, SIDE], "bands": list(BANDS),
                "datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_700_000_000 + seq)),
                "proj:code": "EPSG:32631", "proj:transform": [10, 0, 499980, 0, -10, 5700000],
            }  # fmt: skip
        message = [f"frame/{self.sensor}/".encode(), json.dumps(header).encode(), samples]
        self.sent.append(name)
        self._names.add(name)
        if self.mode == "acknowledged":
            self._unanswered[name] = message
        self._queue.append(message)
        self.drive()
        return name

    def end(self) -> None:
        """Says that the run is over, so that the station can count what is missing at its end."""
        self._say("end")

    def heartbeat(self) -> None:
        """Says that it lives."""
        self._say("heartbeat")

    def _say(self, kind: str) -> None:
        header: dict[str, object] = {"v": 1, "kind": kind, "sensor": self.sensor, "run": self.run}
        if self.sent:
            header["seq"] = len(self.sent) - 1
        self._queue.append([f"frame/{self.sensor}/".encode(), json.dumps(header).encode()])
        self.drive()

    @property
    def queued(self) -> int:
        """Messages that the socket did not take yet."""
        return len(self._queue)

    def drive(self, milliseconds: int = 0) -> None:
        """Sends what the socket takes, then listens for answers, at most so long."""
        if self._socket is None:
            raise TrialError("the source has no socket: connect first")
        while self._queue:
            try:
                self._socket.send_multipart(self._queue[0], zmq.NOBLOCK)
            except zmq.Again:
                break
            self._queue.pop(0)
        if self.mode != "acknowledged":
            if milliseconds:
                self._socket.poll(milliseconds, zmq.POLLOUT if self._queue else 0)
            return
        if milliseconds:
            self._socket.poll(milliseconds)
        now = time.monotonic()
        while True:
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self._take(parts)
            self._heard = now
        if not self._unanswered or self._queue:
            self._heard = now
        elif now - self._heard > SEND_AGAIN_SECONDS:
            self._heard = now
            self._queue = list(self._unanswered.values())

    def _take(self, parts: list[bytes]) -> None:
        word, run, seq = (part.decode() for part in parts[:3])
        name = f"{run}:{seq}"
        if run != self.run or name not in self._names:
            raise TrialError(f"the station answers a frame that was never sent: {parts}")
        if word == "stored":
            self.stored.add(name)
            self.stored_at.append((self.clock(), name))
        elif word == "rejected" and parts[3] == b"stopped":
            raise TrialError(f"{name} was good, but rejected because the station stops: its source would forget it")
        elif word == "rejected":
            self.rejected[name] = parts[3].decode()
        else:
            raise TrialError(f"the station answers {parts}")
        self._unanswered.pop(name, None)

"""A bad line: a proxy of TCP with a rate, a delay, and ways to break; and a network namespace for one end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from faults.daemons import TrialError

CLONE_NEWNET = 0x40000000
CHUNK = 1400
"""Octets read at once: what one packet of an Ethernet holds."""


class Namespace:
    """A network namespace of one machine, where this system allows it; else the machine's own loopback."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[bytes] | None = None
        up = "ip link set lo mtu 1500 up && echo up && exec sleep 100000"
        command = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", up]
        with contextlib.suppress(OSError):
            holder = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            if holder.stdout is not None and holder.stdout.readline() == b"up\n" and _may_join(holder.pid):
                self._holder = holder
            else:
                holder.kill()
                holder.wait()

    @property
    def is_own(self) -> bool:
        """False where this is the loopback of the machine."""
        return self._holder is not None

    def prefix(self) -> list[str]:
        """Words before a command that is to run inside."""
        if self._holder is None:
            return []
        return ["nsenter", "--target", str(self._holder.pid), "--user", "--preserve-credentials", "--net"]

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes meanwhile belong to the namespace."""
        if self._holder is None:
            yield
            return
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _join(self._holder.pid)
            yield
        finally:
            ctypes.CDLL(None, use_errno=True).setns(own, CLONE_NEWNET)
            os.close(own)

    def octets(self) -> tuple[int, int]:
        """Octets and packets on its line so far, IP and TCP headers included (14 octets of Ethernet are taken off)."""
        if self._holder is None:
            return (0, 0)
        for line in Path(f"/proc/{self._holder.pid}/net/dev").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name.strip() == "lo":
                fields = rest.split()
                return (int(fields[0]) - 14 * int(fields[1]), int(fields[1]))
        raise TrialError("the namespace has no loopback")

    def close(self) -> None:
        """Gives it up."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
            self._holder = None


def _join(process: int) -> None:
    namespace = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(namespace)


def _may_join(process: int) -> bool:
    result: list[bool] = []

    def attempt() -> None:
        try:
            _join(process)
            result.append(True)
        except OSError:
            result.append(False)

    thread = threading.Thread(target=attempt)  # the thread that joins ends with the attempt
    thread.start()
    thread.join()
    return result[0]


class _Pipe:
    """One direction of one connection: octets with the time at which they come out."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.size = 0
        self.free_at = 0.0
        self.is_ended = False


class Proxy:
    """Listens at a port and passes on to a target; everything can be changed while it runs."""

    def __init__(self, target: tuple[str, int], namespace: Namespace | None = None) -> None:
        """`namespace`: where it listens."""
        self.rate: float | None = None
        """octets a second in each direction"""
        self.delay = 0.0
        """seconds one way"""
        self.is_stalled = False
        """takes nothing and gives nothing: the senders' buffers fill"""
        self.is_half_open = False
        """takes everything and gives nothing: the connection looks alive"""
        self.is_down = False
        """no connection is taken"""
        self.cut_after: int | None = None
        """octets towards the target after which the connection is reset"""
        self.forwarded = [0, 0]
        """octets towards the target and back"""
        self.connections = 0
        self.resets = 0
        self._target = target
        self._lock = threading.Lock()
        self._pipes: list[_Pipe] = []
        self._stop = False
        with namespace.inside() if namespace else contextlib.nullcontext():
            self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """What a station connects to."""
        return f"tcp://127.0.0.1:{self.port}"

    def reset(self) -> None:
        """Ends all connections with RST."""
        with self._lock:
            for pipe in self._pipes:
                _reset(pipe.source)
                _reset(pipe.sink)
            self.resets += len(self._pipes) // 2
            self._pipes = []

    def take_down(self) -> None:
        """Resets, and takes no connection until `is_down` is false again."""
        self.is_down = True
        self.reset()

    def close(self) -> None:
        """Ends it."""
        self._stop = True
        self._thread.join()
        self.reset()
        self._listener.close()

    def _run(self) -> None:
        while not self._stop:
            with self._lock:
                busy = self._accept()
                for pipe in list(self._pipes):
                    busy = self._read(pipe) or busy
                    busy = self._write(pipe) or busy
            time.sleep(0.0005 if busy else 0.002)

    def _accept(self) -> bool:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return False
        if self.is_down:
            _reset(client)
            return True
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            _reset(client)
            return True
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._pipes += [_Pipe(client, server), _Pipe(server, client)]
        self.connections += 1
        return True

    def _read(self, pipe: _Pipe) -> bool:
        if self.is_stalled or pipe.is_ended or pipe.size > 65536:
            return False
        now = time.monotonic()
        if self.rate is not None and (pipe.free_at - now) * self.rate > CHUNK:
            return False  # a modem has little room: what it cannot send stays with the sender
        try:
            octets = pipe.source.recv(CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            self._drop(pipe)
            return True
        if self.is_half_open and octets:
            return True
        pipe.free_at = max(pipe.free_at, now) + (len(octets) / self.rate if self.rate else 0)
        pipe.waiting.append((pipe.free_at + self.delay, octets))
        pipe.size += len(octets)
        pipe.is_ended = not octets
        return True

    def _write(self, pipe: _Pipe) -> bool:
        if self.is_stalled or not pipe.waiting or pipe.waiting[0][0] > time.monotonic():
            return False
        due, octets = pipe.waiting.popleft()
        if not octets:
            with contextlib.suppress(OSError):
                pipe.sink.shutdown(socket.SHUT_WR)
            return True
        is_up = self._pipes.index(pipe) % 2 == 0
        if is_up and self.cut_after is not None:
            if self.cut_after < len(octets):
                with contextlib.suppress(OSError):
                    pipe.sink.send(octets[: self.cut_after])
                self.cut_after = None
                self._drop(pipe)
                self.resets += 1
                return True
            self.cut_after -= len(octets)
        try:
            count = pipe.sink.send(octets)
        except BlockingIOError:
            count = 0
        except OSError:
            self._drop(pipe)
            return True
        pipe.size -= count
        self.forwarded[0 if is_up else 1] += count
        if count < len(octets):
            pipe.waiting.appendleft((due, octets[count:]))
        return count > 0

    def _drop(self, pipe: _Pipe) -> None:
        """Both directions of a connection end."""
        ends = {pipe.source, pipe.sink}
        for end in ends:
            _reset(end)
        self._pipes = [other for other in self._pipes if other.source not in ends]


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()

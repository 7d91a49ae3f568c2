"""What a process may do, as JSON: run inside and outside of the sandbox to see that the sandbox is one."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_FAILED = ctypes.c_void_p(-1).value
_PRIVATE_ANONYMOUS = 0x22


def _call(result: int) -> None:
    if result in (-1, _FAILED):
        raise OSError(ctypes.get_errno(), "")


def _schedule(policy: int) -> None:
    _call(_libc.sched_setscheduler(0, policy, ctypes.byref(ctypes.c_int(1 if policy in (1, 2) else 0))))


_PROBES: dict[str, Callable[[], object]] = {
    "socket of the network": lambda: socket.socket(socket.AF_INET),
    "socket for the interfaces": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "socket for whole packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "socket of bluetooth": lambda: socket.socket(31, socket.SOCK_RAW),
    "memory to write and execute": lambda: _call(_libc.mmap(None, 4096, 7, _PRIVATE_ANONYMOUS, -1, 0)),
    "memory to write": lambda: _call(_libc.mmap(None, 4096, 3, _PRIVATE_ANONYMOUS, -1, 0)),
    "ordinary scheduler": lambda: _schedule(0),
    "realtime scheduler": lambda: _schedule(1),
    "namespace of users": lambda: _call(_libc.unshare(0x10000000)),
    "mount": lambda: _call(_libc.mount(b"none", b"/", b"tmpfs", 0, None)),
    # no such clock: nothing is set
    "clock": lambda: _call(_libc.clock_settime(9999, ctypes.byref((ctypes.c_long * 2)(0, 0)))),
    "set-user-id": lambda: os.chmod(sys.argv[1], 0o4700),
    "process of another user": lambda: _call(_libc.ptrace(16, 1, 0, 0)),
}


def _try(probe: Callable[[], object]) -> str:
    try:
        probe()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "ok"


def _capabilities() -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1].strip("0") for line in lines if line.startswith("CapEff:"))


if __name__ == "__main__":
    results = {name: _try(probe) for name, probe in _PROBES.items()}
    print(json.dumps({**results, "capabilities": _capabilities()}))  # noqa: T201

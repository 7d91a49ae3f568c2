"""Runs a program inside the sandbox of a unit file, where systemd is not there to do it.

    python -m service.sandbox UNIT PROGRAM [WORD …]

What it makes is what systemd 252 makes of these lines, out of the lines themselves: SystemCallFilter (its sets
expanded by `systemd-analyze syscall-filter`), RestrictAddressFamilies, RestrictNamespaces, RestrictRealtime,
RestrictSUIDSGID, LockPersonality, MemoryDenyWriteExecute, SystemCallArchitectures, CapabilityBoundingSet,
AmbientCapabilities, NoNewPrivileges and UMask. What needs a manager or namespaces of files (ProtectSystem and its like,
IPAddressDeny) is not here.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from service.unit import Unit

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NE, _EQ, _GE, _GT, _MASKED_EQ = 1, 4, 5, 6, 7
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_ADDRESS_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
_LAST_ADDRESS_FAMILY = 46
_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x00000080)
_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 2, 4, 0o100000
_SCHED_IDLE = 5
_ORDINARY_SCHEDULERS = (0, 3, _SCHED_IDLE)  # OTHER, BATCH
_O_CREAT = 0o100
_SET_ID = (0o4000, 0o2000)

_seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
_libc = ctypes.CDLL(None, use_errno=True)


class _Comparison(ctypes.Structure):
    """One argument of a call: its place, how it is compared, and with what."""

    _fields_ = (("place", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


_seccomp.seccomp_init.restype = ctypes.c_void_p
_seccomp.seccomp_init.argtypes = [ctypes.c_uint32]
_seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
_seccomp.seccomp_release.argtypes = [ctypes.c_void_p]
_seccomp.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
_seccomp.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
]  # fmt: skip


class Filter:
    """One filter: what is done by default, and what otherwise."""

    def __init__(self, default: int) -> None:
        self._context = _seccomp.seccomp_init(default)

    def add(self, action: int, call: str, *comparisons: tuple[int, int, int, int]) -> None:
        """A rule for a system call; calls that this machine does not have are left out."""
        number = _seccomp.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        array = (_Comparison * max(len(comparisons), 1))(*(_Comparison(*one) for one in comparisons))
        code = _seccomp.seccomp_rule_add_array(self._context, action, number, len(comparisons), array)
        if code != 0:
            raise OSError(-code, f"no rule for {call}: {os.strerror(-code)}")

    def load(self) -> None:
        """From here on the process and all that it starts live with it."""
        code = _seccomp.seccomp_load(self._context)
        if code != 0:
            raise OSError(-code, f"the filter is not taken: {os.strerror(-code)}")
        _seccomp.seccomp_release(self._context)


@functools.cache
def _expand(name: str) -> frozenset[str]:
    """The system calls of a set, by systemd's own list."""
    listing = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in listing.splitlines()[1:]]
    members = [line for line in lines if line and not line.startswith("#")]
    return frozenset(call for member in members for call in (_expand(member) if member[0] == "@" else {member}))


def allowed_calls(unit: Unit) -> frozenset[str]:
    """What the lines SystemCallFilter= allow together; the first one makes it a list of what is allowed."""
    allowed = set(_expand("@default"))  # systemd adds it to each such list
    for line in unit.all("SystemCallFilter"):
        calls = {
            call for word in line.removeprefix("~").split() for call in (_expand(word) if word[0] == "@" else {word})
        }
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return frozenset(allowed)


def _calls(unit: Unit) -> Filter:
    code = getattr(errno, unit.words("SystemCallErrorNumber")[-1])
    result = Filter(_ERRNO | code)
    for call in sorted(allowed_calls(unit)):
        result.add(_ALLOW, call)
    return result


def _families(unit: Unit) -> Filter:
    allowed = {_ADDRESS_FAMILIES[word] for word in unit.words("RestrictAddressFamilies")}
    refuse = _ERRNO | errno.EAFNOSUPPORT
    result = Filter(_ALLOW)
    for family in range(_LAST_ADDRESS_FAMILY + 1):
        if family not in allowed:
            result.add(refuse, "socket", (0, _EQ, family, 0))
    result.add(refuse, "socket", (0, _GT, _LAST_ADDRESS_FAMILY, 0))
    return result


def _switches(unit: Unit) -> Filter:
    """The directives that refuse a call by its arguments."""
    refuse = _ERRNO | errno.EPERM
    result = Filter(_ALLOW)
    if unit.is_on("RestrictNamespaces"):
        for flag in _NAMESPACES:
            result.add(refuse, "unshare", (0, _MASKED_EQ, flag, flag))
            result.add(refuse, "clone", (0, _MASKED_EQ, flag, flag))
        result.add(refuse, "setns")
        result.add(_ERRNO | errno.ENOSYS, "clone3")  # its flags are in memory, where no filter looks
    if unit.is_on("RestrictRealtime"):
        for policy in range(_SCHED_IDLE):
            if policy not in _ORDINARY_SCHEDULERS:
                result.add(refuse, "sched_setscheduler", (1, _EQ, policy, 0))
        result.add(refuse, "sched_setscheduler", (1, _GT, _SCHED_IDLE, 0))
    if unit.is_on("LockPersonality"):
        result.add(refuse, "personality", (0, _NE, 0, 0))
    if unit.is_on("MemoryDenyWriteExecute"):
        both = _PROT_WRITE | _PROT_EXEC
        result.add(refuse, "mmap", (2, _MASKED_EQ, both, both))
        result.add(refuse, "mprotect", (2, _MASKED_EQ, _PROT_EXEC, _PROT_EXEC))
        result.add(refuse, "pkey_mprotect", (2, _MASKED_EQ, _PROT_EXEC, _PROT_EXEC))
        result.add(refuse, "shmat", (2, _MASKED_EQ, _SHM_EXEC, _SHM_EXEC))
    if unit.is_on("RestrictSUIDSGID"):
        modes = (
            ("chmod", 1),
            ("fchmod", 1),
            ("fchmodat", 2),
            ("mkdir", 1),
            ("mkdirat", 2),
            ("mknod", 1),
            ("mknodat", 2),
        )
        for bit in _SET_ID:
            for call, place in modes:
                result.add(refuse, call, (place, _MASKED_EQ, bit, bit))
            result.add(refuse, "open", (1, _MASKED_EQ, _O_CREAT, _O_CREAT), (2, _MASKED_EQ, bit, bit))
            result.add(refuse, "openat", (2, _MASKED_EQ, _O_CREAT, _O_CREAT), (3, _MASKED_EQ, bit, bit))
    return result


def _drop_capabilities(unit: Unit) -> None:
    """All of them: the units name none. Who is not root has none to begin with."""
    if unit.words("CapabilityBoundingSet") or unit.words("AmbientCapabilities"):
        raise ValueError("this sandbox knows only units without capabilities")
    if os.geteuid() == 0:
        for capability in range(64):
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # an error says that there are no more
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def _filters(unit: Unit) -> Iterator[Filter]:
    """In systemd's order: the list of calls last, since it may refuse what loads a filter."""
    if unit.all("RestrictAddressFamilies"):
        yield _families(unit)
    yield _switches(unit)
    if unit.all("SystemCallFilter"):
        yield _calls(unit)


def enter(unit: Unit) -> None:
    """Goes in; there is no way back."""
    filters = list(_filters(unit))  # made outside: making them starts programs
    os.umask(int(unit.words("UMask")[-1], 8))
    _drop_capabilities(unit)
    if unit.is_on("NoNewPrivileges") and _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs is not taken")
    for one in filters:
        one.load()


if __name__ == "__main__":
    enter(Unit(Path(sys.argv[1])))
    os.execvp(sys.argv[2], sys.argv[2:])

"""The disk below the spool is full, or read-only: the daemon lives or comes back by itself, and forwards meanwhile."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from faults.daemons import TrialError, wait_for
from faults.pair import Pair
from faults.trial import Row, Trial

FRAME = 64 << 10
RECOVERY_SECONDS = 60.0


class SmallDisk:
    """A tmpfs of its own at `folder`, seen by programs that are started with `prefix`."""

    def __init__(self, folder: Path, mebibytes: int) -> None:
        self.folder = folder
        mount = f"mount -t tmpfs -o size={mebibytes}m none {folder} && echo up && exec sleep 100000"
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount]
        self._holder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self._holder.stdout is None or self._holder.stdout.readline() != b"up\n":
            raise TrialError("this system allows no tmpfs in a namespace of its own: `unshare -Urm` must work")

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words before a command that is to see it."""
        return ("nsenter", "--target", str(self._holder.pid), "--user", "--preserve-credentials", "--mount")

    def path(self, name: str) -> Path:
        """A file on it, seen from outside."""
        return Path(f"/proc/{self._holder.pid}/root{self.folder}/{name}")

    def room(self) -> int:
        """Octets that are free."""
        status = os.statvfs(self.path(""))
        return status.f_bavail * status.f_frsize

    def fill(self, leave: int) -> None:
        """A file of somebody else takes the room, all but `leave` octets."""
        with self.path("somebody-else").open("ab") as file:
            file.write(b"\1" * max(0, self.room() - leave))

    def free(self) -> None:
        """Somebody else goes away."""
        self.path("somebody-else").unlink(missing_ok=True)

    def remount(self, how: str) -> None:
        """`ro` or `rw`."""
        command = [*self.prefix, "mount", "-o", f"remount,{how}", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TrialError(f"remount,{how}: {done.stderr}")

    def close(self) -> None:
        """The disk is gone."""
        self._holder.kill()
        self._holder.wait()


def run(trial: Trial) -> None:
    """Full while frames come, full with a gateway, free again; then read-only and back."""
    for life in trial.cycles("lives"):
        folder = trial.place(f"life-{life}")
        disk = SmallDisk(trial.place(f"life-{life}/station/spool"), int(trial["disk_mebibytes"]))
        pair = Pair(trial, f"life-{life}", size=FRAME, quota="96 MiB", ballast="8 MiB", prefix=disk.prefix)
        try:
            _full(trial, pair, disk)
            _read_only(trial, pair, disk)
            pair.wait_stored()
            pair.wait_delivered()
            ledger = pair.station.ledger()
            pair.station.stop()
            pair.gateway.stop()
            filed = pair.check_archive(set())
            there = filed.frames()
            missing = [frame for frame in pair.source.stored if frame not in there]
            dropped = sum(ledger["dropped"].values())
            trial.check(len(missing) == dropped, f"{len(missing)} stored frames are missing, {dropped} are counted")
            trial.add(frames=len(pair.source.sent), dropped=dropped, refused=len(pair.source.rejected))
        finally:
            pair.kill()
            disk.close()
        trial.check(folder.exists(), "the folder of the trial is gone")


def _full(trial: Trial, pair: Pair, disk: SmallDisk) -> None:
    """The disk is smaller than the quota; then somebody else takes what is left."""
    source = pair.source
    pair.restart_station()
    sent = int(trial["disk_mebibytes"]) * (1 << 20) * 3 // 2 // FRAME
    _give(trial, pair, sent)
    disk.fill(leave=0)
    _give(trial, pair, 20)
    pair.drive(1.5)
    _keep_alive(trial, pair)
    pair.station.ledger()
    # forwarding needs no room
    pair.gateway.start_until_ready()
    before = pair.station.ledger()["delivered"]
    begun = time.monotonic()

    def is_forwarding() -> bool:
        _keep_alive(trial, pair)
        source.drive(10)
        return pair.station.ledger().get("delivered", 0) > before + 10

    wait_for("a full disk to be forwarded", is_forwarding, 120, (pair.gateway,))
    trial.peak(forwards_after_seconds=time.monotonic() - begun)
    disk.free()
    begun = time.monotonic()
    name = source.give()

    def is_stored() -> bool:
        _keep_alive(trial, pair)
        source.drive(10)
        return name in source.stored

    wait_for("frames to be stored again", is_stored, RECOVERY_SECONDS, (pair.gateway,))
    trial.peak(recovery_seconds=time.monotonic() - begun)


def _give(trial: Trial, pair: Pair, count: int) -> None:
    for _ in range(count):
        while pair.source.unanswered > 8:
            waited = time.monotonic()
            pair.source.drive(20)
            _keep_alive(trial, pair)
            if pair.source.unanswered > 8 and time.monotonic() - waited > 20:
                break
        pair.source.give()
        pair.drive(0.005)


def _keep_alive(trial: Trial, pair: Pair) -> None:
    """What the service manager does: a daemon that ended with 74 is started again. Anything else is a failure."""
    if pair.station.is_running:
        return
    code = pair.station.stop()
    trial.check(code == 74, f"the daemon ended with {code}: {pair.station.tail()}")
    trial.add(ended_with_74=1)
    time.sleep(0.3)
    pair.station.start()
    pair.source.connect()


def _read_only(trial: Trial, pair: Pair, disk: SmallDisk) -> None:
    """Nobody may write any more, for a while."""
    pair.station.kill()
    disk.remount("ro")
    pair.station.start()
    end = time.monotonic() + float(trial["read_only_seconds"])
    while time.monotonic() < end:
        _keep_alive(trial, pair)
        time.sleep(0.1)
    disk.remount("rw")
    begun = time.monotonic()
    pair.source.connect()
    name = pair.source.give()

    def is_stored() -> bool:
        _keep_alive(trial, pair)
        pair.source.drive(10)
        return name in pair.source.stored

    wait_for("frames to be stored after a read-only disk", is_stored, RECOVERY_SECONDS, (pair.gateway,))
    trial.peak(recovery_seconds=time.monotonic() - begun)


ROW = Row(
    name="disk-full",
    fault="disk full, read-only",
    how="a tmpfs smaller than the quota, then filled to the last octet by somebody else; then read-only; a service"
    " manager starts what ended with 74",
    passes=f"forwards while full, stores again within {RECOVERY_SECONDS:.0f} s, missing frames are counted",
    long={"lives": 5, "disk_mebibytes": 48, "read_only_seconds": 5},
    short={"lives": 1, "disk_mebibytes": 32, "read_only_seconds": 1},
    run=run,
)

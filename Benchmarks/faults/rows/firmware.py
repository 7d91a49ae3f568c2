"""Bad firmware: wrong signature, damaged, older, failing its own test, an install that is cut."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

from faults.daemons import ROOT, TrialError, perigee, tool
from faults.interposer import ALL_WRITES
from faults.pair import Pair
from faults.powercut import Disk, restore
from faults.trial import Row, Trial

SERVES_SECONDS = 5.0
BUNDLE = ROOT / "Firmware" / "perigee-1"


class _Shop:
    """Keys and releases of one trial."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.keys.mkdir()
        for name in ("right", "wrong"):
            perigee(
                "firmware", "keygen", "--no-password", "--secret-key", str(folder / f"{name}.key"),
                "--public-key", str(folder / f"{name}.pub"),
            )  # fmt: skip
        shutil.copy(folder / "right.pub", self.keys / "right.pub")

    def release(self, number: int, key: str = "right", source: Path = BUNDLE) -> Path:
        """A signed release."""
        packed = self.folder / f"release-{number}-{key}.tar"
        perigee(
            "firmware", "pack", str(source), "--release", str(number), "-o", str(packed),
            "--secret-key", str(self.folder / f"{key}.key"),
        )  # fmt: skip
        return packed

    def failing(self, packed: Path) -> Path:
        """The same release, rightly signed, whose frames decode to something else than its self-test says."""
        folder = self.folder / "failing"
        folder.mkdir()
        with tarfile.open(packed) as archive:
            files = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}
        test = json.loads(files["selftest.json"])
        for frame in test["frames"]:
            frame["samples"] = hashlib.sha256(frame["samples"].encode()).hexdigest()
        changed = json.dumps(test).encode()
        old = hashlib.sha256(files["selftest.json"]).hexdigest()
        manifest = files["manifest.json"].decode().replace(old, hashlib.sha256(changed).hexdigest())
        manifest = manifest.replace(str(len(files["selftest.json"])), str(len(changed)))
        files |= {"selftest.json": changed, "manifest.json": manifest.encode()}
        for name, octets in files.items():
            if not name.endswith(".minisig"):
                (folder / name).write_bytes(octets)
        made = self.folder / "failing.tar"
        perigee("firmware", "pack", str(folder), "-o", str(made), "--secret-key", str(self.folder / "right.key"))
        return made


def run(trial: Trial) -> None:
    """Each bad release in turn, then cuts of an install."""
    shop = _Shop(trial.place("shop"))
    slots = trial.place("slots")
    pair = Pair(trial, "pair", firmware=f'slots = "{slots}"\nkeys = "{shop.keys}"')
    two, three = shop.release(2), shop.release(3)
    one, strange = shop.release(1), shop.release(4, "wrong")
    failing = shop.failing(three)
    try:
        pair.gateway.start_until_ready()
        _install(shop, slots, two)
        pair.restart_station()
        for _ in range(60):  # a release is kept after 50 frames
            pair.source.give()
        pair.wait_stored()
        pair.wait_delivered()
        pair.station.stop()
        serving = _serves(trial, pair, "release 2")
        trial.check(serving["version"] == "2", f"release 2 does not serve after its trial: {serving}")
        for _ in trial.cycles("bad_releases"):
            for what, packed in (("older", one), ("wrong signature", strange), ("failing its own test", failing)):
                _install(shop, slots, packed, may_fail=True)
                _same(trial, pair, serving, what)
        for index in trial.cycles("damaged"):
            dice = trial.dice("damaged", index)
            octets = bytearray(three.read_bytes())
            place = dice.randrange(len(octets) - 1024)
            comment = octets.index(b"untrusted comment")
            if comment <= place < octets.index(b"\n", comment):
                continue  # that line is nobody's, as its name says
            octets[place] ^= 1 << dice.randrange(8)
            hurt = shop.folder / "hurt.tar"
            hurt.write_bytes(octets)
            trial.check(not _install(shop, slots, hurt, may_fail=True), "a damaged release was installed")
            trial.add(refused=1)
        _same(trial, pair, serving, "damaged")
        before = trial.place("before")
        shutil.copytree(slots, before, dirs_exist_ok=True)
        for index in trial.cycles("cuts"):
            _cut(trial, pair, shop, slots, before, three, index)
        pair.station.stop()
        pair.gateway.stop()
        pair.check_archive()
    finally:
        pair.kill()


def _install(shop: _Shop, slots: Path, packed: Path, may_fail: bool = False) -> bool:
    command = [str(tool()), "firmware", "install", str(packed), "--slots", str(slots)]
    done = subprocess.run([*command, "--keys", str(shop.keys)], capture_output=True, text=True, check=False)
    if done.returncode < 0 or (done.returncode and not may_fail):
        raise TrialError(f"installing {packed.name} ended with {done.returncode}: {done.stderr}")
    return done.returncode == 0


def _serves(trial: Trial, pair: Pair, what: str) -> dict:
    """Starts the daemon, has a frame stored, and answers what its status says of its firmware."""
    seconds = pair.restart_station()
    trial.peak(serves_after_seconds=seconds)
    trial.check(seconds < SERVES_SECONDS, f"{what}: serves only after {seconds:.1f} s")
    pair.source.give()
    pair.wait_stored()
    pair.wait_delivered()
    serving = pair.station.status()["firmware"]
    pair.station.stop()
    return serving


def _same(trial: Trial, pair: Pair, serving: dict, what: str) -> None:
    now = _serves(trial, pair, what)
    trial.check(now["id"] == serving["id"], f"after a release that is {what}, {now} serves, not {serving}")
    trial.add(previous_serves=1)


def _cut(trial: Trial, pair: Pair, shop: _Shop, slots: Path, before: Path, packed: Path, index: int) -> None:
    """An install is killed at its Nth call, the power fails; the daemon must serve, with the old one or the new one."""
    dice: random.Random = trial.dice("cut", index)
    shutil.rmtree(slots)
    shutil.copytree(before, slots)
    journal = trial.folder / f"journal-{index}"
    interposer = trial.interposer(slots, journal)
    interposer.fail(index + 1, ALL_WRITES, mode="kill")
    command = [
        "env", *(f"{name}={value}" for name, value in interposer.environment().items()), str(tool()),
        "firmware", "install", str(packed), "--slots", str(slots), "--keys", str(shop.keys),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    trial.add(installs_cut=done.returncode < 0)
    disk = Disk(before)
    disk.replay(journal)
    restore(disk.after_cut(dice.getrandbits(32)), slots)
    serving = _serves(trial, pair, f"install cut at call {index + 1}")
    trial.check(serving.get("version") in ("2", "3"), f"install cut at call {index + 1}: {serving} serves")


ROW = Row(
    name="bad-firmware",
    fault="bad firmware",
    how="older, signed by a stranger, failing its own test, one bit changed; installs killed at each call, with"
    " what was not synced forgotten",
    passes=f"refused or given back, what served before serves within {SERVES_SECONDS:.0f} s",
    long={"bad_releases": 3, "damaged": 100, "cuts": 50},
    short={"bad_releases": 1, "damaged": 5, "cuts": 4},
    run=run,
)

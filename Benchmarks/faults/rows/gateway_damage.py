"""Damage to the files of an archive: bits flipped, pages zeroed, files cut short or gone."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from faults.archive import read_archive
from faults.daemons import Gateway, Stopwatch, TrialError, perigee
from faults.link import LightStation
from faults.trial import Row, Trial
from faults.work import deliver_all, deliver_first, give_some

START_SECONDS = 5.0
EXIT_IO = 74
KINDS = ("bit", "page", "cut", "gone", "noise")


def run(trial: Trial) -> None:
    """One sound archive, damaged anew for each place."""
    whole = Gateway(trial.place("whole"), trial.address("whole"))
    station = LightStation("alpha", whole.endpoint)
    dice = trial.dice("packets")
    station.connect()
    whole.start()
    try:
        give_some(station, int(trial["packets"]), dice)
        deliver_all(station, whole)
        whole.stop()
    finally:
        whole.kill()
        station.close()
    for place in trial.cycles("places"):
        _damage_and_start(trial, whole, station, place)


def _damage_and_start(trial: Trial, whole: Gateway, before: LightStation, place: int) -> None:
    dice = trial.dice("place", place)
    folder = trial.place(f"damaged-{place}")
    gateway = Gateway(folder, trial.address(f"damaged-{place}"))
    shutil.copytree(whole.archive, gateway.archive)
    files = sorted(path for path in gateway.archive.rglob("*") if path.is_file() and path.stat().st_size > 0)
    victim = dice.choice(files)
    kind = dice.choice(KINDS)
    what = f"place {place}: {kind} in {victim.relative_to(gateway.archive)}"
    damage(victim, kind, dice)
    really = len(read_archive(gateway.archive).records)
    try:
        seconds = _send_all(trial, gateway, before, what)
        trial.peak(start_seconds=seconds)
        trial.check(seconds < START_SECONDS, f"{what}: started only after {seconds:.1f} s")
        if _missing(gateway, before):
            # behind the acknowledgement nobody looks at every octet at each start: whoever verifies must be told
            report = json.loads(perigee("archive", "verify", "--json", str(gateway.archive), codes=(0, 1)))
            trial.check(not report["sound"], f"{what}: packets are gone, and `archive verify` calls the archive sound")
            perigee("archive", "reindex", str(gateway.archive))
            _send_all(trial, gateway, before, what)
            trial.add(found_by_verify=1)
        missing = _missing(gateway, before)
        trial.check(not missing, f"{what}: {len(missing)} packets are missing after they were sent again")
        trial.add(**{f"in_{'index' if 'index' in victim.name else 'segments'}": 1})
        trial.add(packets_damaged=len(before.packets) - really)
    finally:
        gateway.kill()
    shutil.rmtree(folder)


def _send_all(trial: Trial, gateway: Gateway, before: LightStation, what: str) -> float:
    """A station that holds everything says HELLO and sends what it is asked for; answers the seconds until WELCOME."""
    station = LightStation(before.name, gateway.endpoint, epoch=before.epoch, packets=dict(before.packets))
    station.wait = 0.2
    watch = Stopwatch()
    seconds = 0.0
    try:
        for attempt in range(3):
            gateway.start()
            station.connect()
            try:
                deliver_first(station, gateway, what)
                seconds = seconds or watch.seconds(gateway)
                deliver_all(station, gateway)
                break
            except TrialError:
                # it may end with 74 at damage that it meets in use: the service manager starts it again
                if gateway.is_running or gateway.stop() != EXIT_IO or attempt == 2:
                    raise
                trial.add(ended_with_74=1)
        gateway.stop()
    finally:
        station.close()
    return seconds


def _missing(gateway: Gateway, before: LightStation) -> list[int]:
    there = read_archive(gateway.archive).identities()
    return [n for n, packet in before.packets.items() if there.get((before.name, before.epoch, n)) != packet]


def damage(path: Path, kind: str, dice: random.Random) -> None:
    """One piece of damage at a random place of a file."""
    octets = bytearray(path.read_bytes())
    offset = dice.randrange(len(octets))
    match kind:
        case "bit":
            octets[offset] ^= 1 << dice.randrange(8)
        case "page":
            start = offset // 4096 * 4096
            octets[start : start + 4096] = bytes(len(octets[start : start + 4096]))
        case "cut":
            del octets[offset:]
        case "noise":
            octets[offset : offset + 64] = dice.randbytes(len(octets[offset : offset + 64]))
        case "gone":
            path.unlink()
            return
    path.write_bytes(octets)


ROW = Row(
    name="gateway-damage",
    fault="damaged file of the gateway",
    how="one bit, one page, noise, a cut or a missing file at random places of segments and index; the station, which"
    " holds everything, says HELLO",
    passes=f"starts within {START_SECONDS:.0f} s, the rest is there; `archive verify` names damage behind"
    " acknowledgements, which a station that still has it sends again after a reindex",
    long={"places": 200, "packets": 1500},
    short={"places": 20, "packets": 300},
    run=run,
)

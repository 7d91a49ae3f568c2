"""What several rows do with a gateway and light stations."""

from __future__ import annotations

import random

from faults.archive import read_archive
from faults.daemons import Gateway, wait_for
from faults.link import LightStation
from faults.octets import frame_packet
from faults.trial import Trial


def give_some(station: LightStation, count: int, dice: random.Random) -> None:
    """Small frames of this run: the group says which."""
    for _ in range(count):
        number = len(station.packets) + 1
        station.give(frame_packet(number, f"{station.name}-{number}", dice.randbytes(dice.randint(8, 1500))))


def check_archive(trial: Trial, gateway: Gateway, station: LightStation) -> None:
    """Everything the station was told is durable is there, octet by octet, and nothing is there twice."""
    filed = read_archive(gateway.archive)
    there = filed.identities()
    lost = [n for n in station.durable if there.get((station.name, station.epoch, n)) != station.packets[n]]
    trial.check(not lost, f"{len(lost)} acknowledged packets are not in the archive, the first is number {lost[:1]}")
    trial.check(filed.duplicates == 0, f"{filed.duplicates} packets are in the segments twice")
    trial.check(filed.conflicts == 0, f"{filed.conflicts} numbers are in the segments with different packets")


def deliver_all(station: LightStation, gateway: Gateway, timeout: float = 60) -> None:
    """Drives a station until everything it has is acknowledged."""

    def is_done() -> bool:
        station.drive(5)
        return station.waiting == 0

    wait_for(f"{station.waiting} packets of {station.name} to be acknowledged", is_done, timeout, (gateway,))


def deliver_first(station: LightStation, gateway: Gateway, what: str = "WELCOME") -> None:
    """Waits for WELCOME without giving anything away: then the recovery is over."""

    def is_welcome() -> bool:
        station.socket.poll(5)
        station.receive_all()
        if station.session is None:
            station.send_what_may()
        return station.session is not None

    wait_for(what, is_welcome, 30, (gateway,))

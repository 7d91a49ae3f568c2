"""Two hundred stations on one gateway that is restarted under them."""

from __future__ import annotations

import time

import zmq

from faults.archive import read_archive
from faults.daemons import Gateway, TrialError, perigee, wait_for
from faults.link import LightStation
from faults.trial import Row, Trial
from faults.work import give_some

MEMORY_LIMIT = 128 << 20


def run(trial: Trial) -> None:
    """All stations send; the gateway is killed and started; in the end everything is there once."""
    dice = trial.dice("fleet")
    port = trial.free_port()
    gateway = Gateway(trial.place("gateway"), f"tcp://127.0.0.1:{port}")
    fleet = [LightStation(f"station-{index}", gateway.endpoint) for index in range(int(trial["stations"]))]
    poller = zmq.Poller()
    for station in fleet:
        station.wait = 0.5 + dice.random()
        station.connect()
        poller.register(station.socket, zmq.POLLIN)
    by_socket = {station.socket: station for station in fleet}

    def drive(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for socket, _ in poller.poll(5):
                by_socket[socket].receive_all()
            for station in fleet:
                station.send_what_may()
            if not gateway.is_running:
                raise TrialError(f"the gateway ended: {gateway.tail()}")

    try:
        for _ in range(int(trial["restarts"])):
            welcomed = sum(station.welcomed for station in fleet)
            for station in fleet:
                give_some(station, dice.randint(1, 6), dice)
            gateway.start()
            begun = time.monotonic()
            while sum(station.session is not None for station in fleet) < len(fleet):
                drive(0.05)
                trial.check(time.monotonic() - begun < 60, "not all stations were welcomed within 60 s")
            trial.peak(all_back_seconds=time.monotonic() - begun)
            trial.add(sessions=sum(station.welcomed for station in fleet) - welcomed, restarts_done=1)
            drive(dice.uniform(0.1, 0.5))
            trial.peak(memory_mebibytes=gateway.memory() / 2**20)
            gateway.kill()
            for station in fleet:
                station.session = None
        gateway.start()

        def is_done() -> bool:
            drive(0.05)
            return all(station.waiting == 0 for station in fleet)

        wait_for("the whole fleet to be acknowledged", is_done, 120, (gateway,))
        idle = gateway.processor_seconds()
        drive(2)
        trial.peak(idle_processor_share=(gateway.processor_seconds() - idle) / 2)
        trial.peak(memory_mebibytes=gateway.memory() / 2**20)
        trial.check(gateway.memory() < MEMORY_LIMIT, f"the gateway takes {gateway.memory() >> 20} MiB")
        gateway.stop()
    finally:
        gateway.kill()
        for station in fleet:
            station.close()
    filed = read_archive(gateway.archive)
    there = filed.identities()
    lost = sum(
        there.get((station.name, station.epoch, number)) != packet
        for station in fleet
        for number, packet in station.packets.items()
    )
    trial.check(lost == 0, f"{lost} packets of the fleet are not in the archive")
    trial.check(filed.duplicates + filed.conflicts == 0, f"{filed.duplicates} packets are there twice")
    perigee("archive", "verify", "--json", str(gateway.archive))
    trial.add(packets=sum(len(station.packets) for station in fleet), lost=0, duplicates=0)


ROW = Row(
    name="fleet",
    fault="a fleet",
    how="200 light stations over TCP on one gateway, which is killed and started 20 times under load",
    passes=f"0 lost, all back within 60 s, below {MEMORY_LIMIT >> 20} MiB",
    long={"stations": 200, "restarts": 20},
    short={"stations": 50, "restarts": 2},
    run=run,
)

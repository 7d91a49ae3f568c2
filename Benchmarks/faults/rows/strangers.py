"""Who should not come in: wrong keys, no keys, another's name, garbage at both ports. The others do not notice."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import zmq

from faults.daemons import wait_for
from faults.link import Keys, LightStation
from faults.pair import Pair
from faults.trial import Row, Trial
from faults.work import give_some


@dataclass(frozen=True)
class _Pair:
    public: bytes
    secret: bytes

    @staticmethod
    def make() -> _Pair:
        return _Pair(*zmq.curve_keypair())

    def write(self, folder: Path, name: str) -> None:
        """Both files, as `perigee keys gen` makes them."""
        folder.mkdir(parents=True, exist_ok=True)
        public(folder, name, self)
        secret = folder / f"{name}.secret"
        secret.touch(0o600)
        secret.write_text(f"perigee curve secret 1\n{self.secret.decode()}\n")


def public(folder: Path, name: str, keys: _Pair) -> None:
    """The public file, put in place whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{name}"
    fresh.write_text(f"perigee curve public 1\n{keys.public.decode()}\n")
    fresh.rename(folder / f"{name}.pub")


def run(trial: Trial) -> None:
    """A real station and a light one deliver, while strangers try everything."""
    gateway_keys, alpha, beta, gamma, unknown = (_Pair.make() for _ in range(5))
    address = f"tcp://127.0.0.1:{trial.free_port()}"
    pair = Pair(trial, "pair", gateway=address)
    gateway_folder, station_folder = pair.folder / "gateway" / "keys", pair.folder / "station" / "keys"
    gateway_keys.write(gateway_folder, "gateway")
    public(gateway_folder / "stations", "alpha", alpha)
    public(gateway_folder / "stations", "beta", beta)
    alpha.write(station_folder, "station")
    public(station_folder, "gateway", gateway_keys)

    def station(name: str, keys: _Pair | None, server: _Pair = gateway_keys) -> LightStation:
        curve = keys and Keys(keys.public, keys.secret, server.public)
        made = LightStation(name, address, curve)
        made.wait = 0.1
        give_some(made, 5, random.Random(name))
        made.connect()
        return made

    good = station("beta", beta)
    strangers: list[LightStation] = []
    try:
        pair.gateway.start_until_ready()
        pair.restart_station()
        _until(trial, pair, "the good light station", lambda: good.waiting == 0, [good])
        for attempt in trial.cycles("attempts"):
            dice = trial.dice(attempt)
            strangers = [
                station("gamma", gamma),  # not on the list
                station("beta", unknown),  # a name on the list, another key
                station("alpha", beta),  # a key on the list, another's name
                station("beta", beta, server=unknown),  # not this gateway
                station("beta", None),  # no keys
            ]
            _garbage(address, dice, int(trial["garbage"]))
            for _ in range(10):
                pair.source.give()
            give_some(good, 10, dice)
            end = time.monotonic() + 1.0
            while time.monotonic() < end:
                for one in [good, *strangers]:
                    one.drive(1)
                pair.source.drive(1)
            welcomed = [one.name for one in strangers if one.welcomed]
            trial.check(not welcomed, f"strangers were welcomed: {welcomed}")
            trial.check(not any(one.durable for one in strangers), "packets of a stranger were taken")
            _until(trial, pair, "the good station among strangers", lambda: good.waiting == 0, [good])
            for one in strangers:
                one.close()
            trial.add(strangers=len(strangers))
        pair.wait_stored()
        pair.wait_delivered()
        _allow_later(trial, pair, gateway_folder / "stations", station, gamma)
        status = pair.gateway.status()
        pair.station.stop()
        pair.gateway.stop()
        filed = pair.check_archive()
        names = {record.station for record in filed.records}
        trial.check(names == {"alpha", "beta", "gamma"}, f"the archive has packets of {names}")
        trial.notes.append(f"gateway says { ({k: v for k, v in status.items() if isinstance(v, int)}) }")
        trial.add(frames=len(pair.source.stored), taken_of_strangers=0)
    finally:
        for one in [good, *strangers]:
            one.close()
        pair.kill()


def _until(trial: Trial, pair: Pair, what: str, is_true: Callable[[], bool], stations: list[LightStation]) -> None:
    def look() -> bool:
        for one in stations:
            one.drive(2)
        pair.source.drive(1)
        return is_true()

    wait_for(what, look, 30, (pair.gateway, pair.station))


def _allow_later(trial: Trial, pair: Pair, folder: Path, station: Callable[..., LightStation], keys: _Pair) -> None:
    """Denied first; allowed while the gateway runs; back by a fresh socket."""
    late = station("gamma", keys)
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            late.drive(5)
        trial.check(late.welcomed == 0, "a station that is not on the list was welcomed")
        public(folder, "gamma", keys)
        begun = tried = time.monotonic()

        def is_back() -> bool:
            nonlocal tried
            if late.session is None and time.monotonic() - tried > 1.5:
                tried = time.monotonic()
                late.connect()  # libzmq never tries again after a denial
            late.drive(10)
            return late.waiting == 0

        wait_for("a station that was allowed", is_back, 30, (pair.gateway,))
        trial.peak(allowed_after_seconds=time.monotonic() - begun)
    finally:
        late.close()


def _garbage(address: str, dice: random.Random, count: int) -> None:
    """Raw octets at the port of the gateway: noise, HTTP, a ZMTP greeting with noise behind it, silence."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
    for index in range(count):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=2) as end:
            octets = dice.randbytes(dice.randint(1, 3000))
            end.sendall((octets, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", greeting + octets, b"")[index % 4])
            end.settimeout(0.01)
            end.recv(1000)


def hostile_frames(trial: Trial) -> None:
    """Messages at the intake that no source should send: each refused and counted by its reason, nothing kept."""
    pair = Pair(trial, "pair", mode="pull")
    noise = zmq.Context.instance().socket(zmq.PUSH)
    noise.set(zmq.LINGER, 0)
    noise.connect(pair.source.endpoint)
    try:
        pair.gateway.start_until_ready()
        pair.restart_station()
        sent = 0
        for index in trial.cycles("messages"):
            dice = trial.dice(index)
            noise.send_multipart(_hostile(dice))
            sent += 1
            if index % 20 == 0:
                pair.source.give()
        pair.drive(0.2)
        wait_for("good frames among bad ones", lambda: _spooled(pair) == len(pair.source.sent), 60, (pair.station,))
        pair.wait_delivered()
        ledger = pair.station.ledger()
        refused = sum(ledger["rejected"].values())
        trial.check(refused >= sent * 0.99, f"{sent} bad messages, but {refused} refused: {ledger}")
        pair.station.stop()
        pair.gateway.stop()
        there = set(pair.check_archive(set()).frames())
        trial.check(there == set(pair.source.sent), "the archive differs from the good frames")
        trial.add(refused=refused, good=len(pair.source.sent))
    finally:
        noise.close()
        pair.kill()


def _spooled(pair: Pair) -> int:
    pair.source.drive(10)
    return pair.station.ledger().get("spooled", -1)


def _hostile(dice: random.Random) -> list[bytes]:
    """One bad message."""
    header = '{"v":1,"kind":"frame","sensor":"s","run":"r","seq":1,"dtype":"<u2","shape":[1,4,4],"bands":["a"]'
    return dice.choice(
        (
            [dice.randbytes(dice.randint(0, 300))],
            [b"t", dice.randbytes(200), dice.randbytes(100)],
            [b"t" * 300, header.encode() + b"}", bytes(32)],
            [b"t", header.encode() + b"}", bytes(dice.choice((0, 31, 33, 4000)))],
            [b"t", header.replace("[1,4,4]", "[1024,1048576,1048576]").encode() + b"}", bytes(32)],
            [b"t", header.replace("[1,4,4]", "[-1,4,4]").encode() + b"}", bytes(32)],
            [b"t", header.encode() + b',"encoding":"zstd"}', os.urandom(64)],
            [b"t", b"[" * 5000, bytes(32)],
            [b"t", header.encode() + b',"crc32c":1}', bytes(32)],
            [b"t", header.replace('"v":1', '"v":2').encode() + b"}", bytes(32)],
            [b"t", b"{" + b'"a":"' + b"x" * 70_000 + b'"}', b""],
            [b"t", header.encode() + b"}", bytes(32), b"one part too many"],
        )
    )


ROW = Row(
    name="strangers",
    fault="wrong key, no key, another station's name, garbage",
    how="five strangers and raw octets at the gateway's port at a time, beside a real and a light station that deliver;"
    " a denied station is allowed later",
    passes="none welcomed, nothing of theirs kept, the others unaffected, the allowed one comes in",
    long={"attempts": 50, "garbage": 40},
    short={"attempts": 1, "garbage": 12},
    run=run,
)
FRAMES = Row(
    name="hostile-frames",
    fault="hostile messages at the intake",
    how="noise, wrong counts of parts, lengths, shapes, depths, versions, checksums among good frames",
    passes="each refused and counted, every good frame in the archive",
    long={"messages": 20_000},
    short={"messages": 400},
    run=hostile_frames,
)

"""A light station: HELLO, DATA, PING over one DEALER, by Docs/link-protocol.md. It keeps what it was told."""

from __future__ import annotations

import os
import random
import struct
import time
from dataclasses import dataclass, field

import zmq

from faults.daemons import TrialError
from faults.octets import Reader, svarint, text, varint

HELLO, WELCOME, DATA, ACK, REJECT, PING, PONG, BYE = range(1, 9)
BATCH = 14_000
"""Octets of packets in one DATA, below every gateway's limit."""


@dataclass(frozen=True)
class Keys:
    """CURVE keys of a station in Z85: its own pair and the gateway's public one."""

    public: bytes
    secret: bytes
    server: bytes


@dataclass
class LightStation:
    """One station of one epoch with all its packets in memory; a trial asks it to send, and looks at `durable`."""

    name: str
    endpoint: str
    keys: Keys | None = None
    epoch: bytes = field(default_factory=lambda: os.urandom(16))
    packets: dict[int, bytes] = field(default_factory=dict)
    durable: set[int] = field(default_factory=set)
    rejected: dict[int, int] = field(default_factory=dict)
    welcomed: int = 0
    byes: list[int] = field(default_factory=list)
    session: int | None = None

    def __post_init__(self) -> None:
        self._cumulative = 0
        self._credit = (0, 0)
        self._greeting = random.getrandbits(31)
        self._boot = random.getrandbits(63)
        self._sent: set[int] = set()
        self._unsent: list[int] = []
        self._socket: zmq.Socket | None = None
        self._hello_at = 0.0
        self._ping_at = 0.0
        self.wait = 1.0
        self.wire_sent = 0

    def connect(self) -> None:
        """Opens a fresh socket; the session before is forgotten."""
        self.close()
        socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RECONNECT_IVL, 50)
        socket.set(zmq.IMMEDIATE, 1)
        socket.set(zmq.SNDHWM, 64)
        if self.keys is not None:
            socket.curve_publickey, socket.curve_secretkey = self.keys.public, self.keys.secret
            socket.curve_serverkey = self.keys.server
        socket.connect(self.endpoint)
        self._socket = socket
        self._forget()

    @property
    def socket(self) -> zmq.Socket:
        """To be polled by who drives several stations."""
        if self._socket is None:
            raise TrialError(f"station {self.name} has no socket: connect first")
        return self._socket

    def close(self) -> None:
        """Goes away without a word."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _forget(self) -> None:
        self.session = None
        self._sent = set()
        self._hello_at = 0.0

    def give(self, packet: bytes) -> int:
        """Takes one packet; answers its number."""
        number = len(self.packets) + 1
        self.packets[number] = packet
        self._unsent.append(number)
        return number

    @property
    def waiting(self) -> int:
        """Packets that nobody said are durable."""
        return len(self.packets) - len(self.durable) - len(self.rejected)

    @property
    def lowest(self) -> int:
        """The smallest number without a word."""
        while self._cumulative + 1 in self.durable or self._cumulative + 1 in self.rejected:
            self._cumulative += 1
        return self._cumulative + 1

    def drive(self, milliseconds: int = 0) -> None:
        """Receives what there is, waiting at most so long for it, then sends what may be sent."""
        if self.socket.poll(milliseconds):
            self.receive_all()
        self.send_what_may()

    def receive_all(self) -> None:
        """Takes every message that has come."""
        while True:
            try:
                message = self.socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._take(message)

    def _send(self, message: bytes) -> bool:
        try:
            self.socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            return False
        self.wire_sent += len(message) + (2 if len(message) < 256 else 9)
        return True

    def send_what_may(self) -> None:
        """HELLO until somebody answers, then packets within the credit, and PING where it is silent."""
        now = time.monotonic()
        if self.session is None:
            if now >= self._hello_at and self._send(self._hello()):
                self._hello_at = now + self.wait
            return
        self._send_data()
        if now >= self._ping_at:
            self._ping_at = now + self.wait
            self._send(
                bytes([PING, 1]) + struct.pack("<II", self.session, 7) + svarint(int(time.time() * 1000))
                + varint(self.waiting) + varint(0) + varint(0) + varint(self.lowest) + varint(len(self.packets))
                + bytes(6)
            )  # fmt: skip

    def _hello(self) -> bytes:
        self._greeting = (self._greeting + 1) & 0xFFFFFFFF
        return (
            bytes([HELLO, 1, 1, 1]) + text(self.name) + self.epoch + struct.pack("<QI", self._boot, self._greeting)
            + varint(self.lowest) + varint(max(len(self.packets), self.lowest - 1)) + b"\x02"
            + svarint(int(time.time() * 1000)) + varint(0) + varint(0)
        )  # fmt: skip

    def _send_data(self) -> None:
        in_flight = len(self._sent)
        size = sum(len(self.packets[number]) for number in self._sent)
        while self._unsent:
            batch: list[int] = []
            batch_size = 0
            for number in self._unsent[:64]:
                length = len(self.packets[number])
                if in_flight + len(batch) >= self._credit[0] or size + batch_size + length > self._credit[1]:
                    break
                if batch_size + length > BATCH:
                    break
                batch.append(number)
                batch_size += length
            if not batch or not self._send(self._data(batch)):
                return
            self._sent.update(batch)
            del self._unsent[: len(batch)]
            in_flight += len(batch)
            size += batch_size

    def _data(self, batch: list[int]) -> bytes:
        message = bytes([DATA, 1]) + struct.pack("<I", self.session) + varint(self.lowest)
        expected = self.lowest
        for number in batch:
            packet = self.packets[number]
            message += varint(number - expected) + b"\x00" + varint(len(packet)) + packet
            expected = number + 1
        return message

    def _take(self, message: bytes) -> None:
        reader = Reader(message)
        kind, _ = reader.u8(), reader.u8()
        if kind == WELCOME:
            reader.u8()
            if reader.u32() != self._greeting:
                return
            self.session = reader.u32()
            cumulative, packets, size = reader.varint(), reader.varint(), reader.varint()
            reader.varint()
            reader.svarint()
            self._sent = set()
            self._settle(cumulative, reader)
            self._credit = (packets, size)
            self._unsent = [n for n in self.packets if n not in self.durable and n not in self.rejected]
            self.welcomed += 1
            self._ping_at = time.monotonic() + self.wait
        elif kind == ACK and reader.u32() == self.session:
            cumulative = reader.varint()
            self._credit = (reader.varint(), reader.varint())
            self._settle(cumulative, reader)
        elif kind == REJECT and reader.u32() == self.session:
            number = reader.varint()
            self.rejected[number] = reader.u8()
            self._sent.discard(number)
        elif kind == BYE:
            reader.u32()
            self.byes.append(reader.u8())
            self._forget()

    def _settle(self, cumulative: int, reader: Reader) -> None:
        for number in range(self.lowest, cumulative + 1):
            self._say_durable(number)
        place = cumulative + 1
        for _ in range(reader.varint()):
            place += reader.varint()
            for _ in range(reader.varint()):
                self._say_durable(place)
                place += 1

    def _say_durable(self, number: int) -> None:
        if number not in self.packets:
            raise TrialError(f"station {self.name}: the gateway speaks of number {number}, which was never given")
        if number not in self.rejected:
            self.durable.add(number)
        self._sent.discard(number)

"""A bad line between station and gateway: down, thin, reset, half-open, stalled, cut in the middle of a message."""

from __future__ import annotations

import time

from faults.daemons import wait_for
from faults.pair import Pair
from faults.proxy import Namespace, Proxy
from faults.trial import Row, Trial

PAYLOAD_SHARE = 0.85
IDLE_OCTETS = 25.0


class Line:
    """A pair whose line is a proxy, the station in a network namespace of its own where the system allows one."""

    def __init__(self, trial: Trial, name: str, size: int = 0) -> None:
        port = trial.free_port()
        self.namespace = Namespace()
        self.proxy = Proxy(("127.0.0.1", port), self.namespace)
        self.pair = Pair(
            trial, name, size=size, link=self.proxy.endpoint, gateway=f"tcp://127.0.0.1:{port}",
            prefix=tuple(self.namespace.prefix()),
        )  # fmt: skip
        trial.notes[:] = [f"network namespace: {'own' if self.namespace.is_own else 'loopback of the machine'}"]

    def start(self) -> None:
        """Both ends up, and the first frame delivered."""
        self.pair.gateway.start_until_ready()
        self.pair.restart_station()
        self.pair.source.give()
        self.pair.wait_stored()
        self.pair.wait_delivered()

    def finish(self, timeout: float = 180) -> None:
        """Everything delivered and counted."""
        self.pair.wait_stored()
        self.pair.wait_delivered(timeout)
        self.pair.station.stop()
        self.pair.gateway.stop()
        self.pair.check_archive()

    def close(self) -> None:
        """Everything ends."""
        self.pair.kill()
        self.proxy.close()
        self.namespace.close()


def run_down(trial: Trial) -> None:
    """The line goes away and comes back, frames come meanwhile."""
    line = Line(trial, "line")
    try:
        line.start()
        for _ in trial.cycles("outages"):
            for seconds in (float(trial["shorter_seconds"]), float(trial["longer_seconds"])):
                line.proxy.take_down()
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    line.pair.source.give()
                    line.pair.drive(0.2)
                line.proxy.is_down = False
                begun = time.monotonic()
                line.pair.wait_stored()
                line.pair.wait_delivered(seconds * 2 + 90)
                trial.peak(caught_up_after_seconds=time.monotonic() - begun)
                trial.peak(memory_mebibytes=line.pair.station.memory() / 2**20)
        line.finish()
        trial.add(frames=len(line.pair.source.sent), lost=0)
    finally:
        line.close()


def run_thin(trial: Trial) -> None:
    """9.6 kbit/s and two seconds each way: how much of the line carries packets, and what silence costs."""
    line = Line(trial, "line", size=8 << 10)
    source, proxy = line.pair.source, line.proxy
    rate = float(trial["bits_a_second"]) / 8
    try:
        line.start()
        proxy.rate, proxy.delay = rate, float(trial["delay_seconds"])
        busy = float(trial["warm_seconds"]) + trial["measurements"] * float(trial["busy_seconds"])
        for _ in range(int(busy * rate * 1.2 / source.size) + 4):  # more than the line can carry meanwhile
            source.give()
        line.pair.wait_stored()
        line.pair.drive(float(trial["warm_seconds"]))
        for _ in trial.cycles("measurements"):
            sessions = line.pair.station.status()["link"]["sessions"]
            octets, stored = proxy.forwarded[0], line.pair.gateway.status()["octets"]
            begun = time.monotonic()
            line.pair.drive(float(trial["busy_seconds"]))
            seconds = time.monotonic() - begun
            # what the gateway took, of what the line could have carried
            share = (line.pair.gateway.status()["octets"] - stored) / (rate * seconds)
            trial.counts["payload_share"] = round(min(share, trial.counts.get("payload_share", share)), 3)
            trial.counts["line_use"] = round((proxy.forwarded[0] - octets) / (rate * seconds), 3)
            flaps = line.pair.station.status()["link"]["sessions"] - sessions
            trial.add(new_sessions=flaps)
            trial.check(flaps == 0, f"{flaps} new sessions on a line that was only slow")
            trial.check(share >= PAYLOAD_SHARE, f"only {share:.2f} of the line carried packets")
        proxy.rate = None
        line.pair.wait_delivered(120)
        proxy.rate = rate
        line.pair.drive(2 * float(trial["delay_seconds"]) + 3)
        before, octets = line.namespace.octets(), sum(proxy.forwarded)
        begun = time.monotonic()
        line.pair.drive(float(trial["idle_seconds"]))
        seconds = time.monotonic() - begun
        cost = (line.namespace.octets()[0] - before[0]) / seconds
        if not line.namespace.is_own:
            cost = (sum(proxy.forwarded) - octets) * 1.6 / seconds  # TCP and IP headers of small messages
        trial.peak(idle_octets_a_second=cost)
        trial.check(cost <= IDLE_OCTETS, f"silence costs {cost:.1f} octets a second")
        proxy.delay = 0.0
        proxy.rate = None
        line.finish()
        trial.add(frames=len(source.sent), lost=0)
    finally:
        line.close()


def run_breaks(trial: Trial) -> None:
    """Everything a line can do short of a clean end, while frames come."""
    line = Line(trial, "line")
    pair, proxy = line.pair, line.proxy
    try:
        line.start()
        first = pair.station.memory()
        for index in trial.cycles("breaks"):
            dice = trial.dice(index)
            if index % 3 == 0:
                pair.wait_delivered(240)  # else the station spends its time in backoff, where nothing can break
            for _ in range(dice.randint(1, 8)):
                pair.source.give()
            kind = ("reset", "cut", "stall", "half-open", "refuse")[index % 5]
            if kind == "reset":
                pair.drive(dice.uniform(0, 0.1))
                proxy.reset()
            elif kind == "cut":
                proxy.cut_after = dice.randint(0, 400)
                pair.drive(0.3)
            elif kind == "stall":
                proxy.is_stalled = True
                pair.drive(dice.uniform(0.1, float(trial["longest_seconds"])))
                proxy.is_stalled = False
            elif kind == "half-open":
                proxy.is_half_open = True
                pair.drive(dice.uniform(0.1, float(trial["longest_seconds"])))
                proxy.reset()
                proxy.is_half_open = False
            else:
                proxy.take_down()
                pair.drive(dice.uniform(0.1, 1.0))
                proxy.is_down = False
            trial.add(**{kind.replace("-", "_"): 1})
        proxy.cut_after = None
        begun = time.monotonic()
        pair.wait_stored()
        pair.wait_delivered(240)
        trial.peak(caught_up_after_seconds=time.monotonic() - begun)
        trial.peak(memory_growth_mebibytes=(pair.station.memory() - first) / 2**20)
        link = pair.station.status()["link"]
        trial.add(sessions=link["sessions"], resent=link["packets_resent"], sent=link["packets_sent"])
        line.finish()
        trial.add(frames=len(pair.source.sent), lost=0)
    finally:
        line.close()


def run_dead_peer(trial: Trial) -> None:
    """A line that looks alive and carries nothing must be noticed by silence alone."""
    line = Line(trial, "line")
    try:
        line.start()
        for _ in trial.cycles("deaths"):
            connections = line.proxy.connections
            line.proxy.is_half_open = True
            begun = time.monotonic()
            line.pair.source.give()

            def is_noticed(before: int = connections) -> bool:
                line.pair.source.drive(50)
                return line.proxy.connections > before

            wait_for("the station to give up a dead line", is_noticed, 120, (line.pair.station,))
            trial.peak(noticed_after_seconds=time.monotonic() - begun)
            line.proxy.is_half_open = False
            line.proxy.reset()
            line.pair.wait_delivered(180)
        line.finish()
    finally:
        line.close()


DOWN = Row(
    name="line-down",
    fault="line down",
    how="every connection reset and none taken for the seconds named, frames coming; a simulated day is part of the"
    " simulation with its own clock",
    passes="0 lost, 0 twice, caught up by itself",
    long={"outages": 5, "shorter_seconds": 1, "longer_seconds": 60},
    short={"outages": 1, "shorter_seconds": 1, "longer_seconds": 10},
    run=run_down,
)
THIN = Row(
    name="line-thin",
    fault="9.6 kbit/s with 2 s delay",
    how="a proxy with that rate and delay each way, the station in its own network namespace; octets counted there with"
    " IP and TCP headers",
    passes=f"at least {PAYLOAD_SHARE:.0%} of the line carries packets, no new session, idle at most"
    f" {IDLE_OCTETS:.0f} octets/s",
    long={"bits_a_second": 9600, "delay_seconds": 2, "warm_seconds": 60, "busy_seconds": 120, "idle_seconds": 120,
          "measurements": 2},
    short=None,
    run=run_thin,
)  # fmt: skip
BREAKS = Row(
    name="line-breaks",
    fault="resets, half-open, stalls, cut messages",
    how="a proxy does each in turn, frames coming",
    passes="0 lost, 0 twice, caught up by itself",
    long={"breaks": 100, "longest_seconds": 40},
    short={"breaks": 5, "longest_seconds": 1},
    run=run_breaks,
)
DEAD = Row(
    name="line-dead",
    fault="a line that looks alive",
    how="a proxy takes everything and gives nothing",
    passes="noticed within 2 minutes, 0 lost",
    long={"deaths": 2},
    short=None,
    run=run_dead_peer,
)

"""The configuration is replaced again and again while frames come; every other version is wrong."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path

from faults.daemons import Gateway, Station, wait_for
from faults.pair import Pair
from faults.trial import Row, Trial

MISTAKES = ("unknown key", "table twice", "beyond its limits", "cut", "noise", "gone")


class _File:
    """The configuration of one daemon, and what the daemon says of it."""

    def __init__(self, program: Station | Gateway, path: Path, change: Callable[[int], str]) -> None:
        """`change` makes lines to append, from a number of at least 1; a negative one is beyond the limits."""
        self.program = program
        self.path = path
        self._first = path.read_text()
        self._change = change

    def replace(self, octets: bytes | None) -> None:
        """Puts another version there, or none, and tells the daemon."""
        if octets is None:
            self.path.unlink(missing_ok=True)
        else:
            fresh = self.path.with_suffix(".new")
            fresh.write_bytes(octets)
            fresh.rename(self.path)
        self.program.signal(signal.SIGHUP)

    def good(self, dice: random.Random) -> bytes:
        """A version that differs in a key that counts at once."""
        return (self._first + self._change(dice.randint(1, 50))).encode()

    def bad(self, dice: random.Random, mistake: str) -> bytes | None:
        """A version with one mistake; None: no file."""
        text = self._first
        if mistake == "gone":
            return None
        if mistake == "noise":
            return b"\xff" + dice.randbytes(dice.randint(0, 4000))
        if mistake == "unknown key":
            text += "\n[nonsense]\nkey = 1\n"
        elif mistake == "table twice":
            text += "\n[status]\n"
        elif mistake == "beyond its limits":
            text += self._change(-1)
        else:
            text = text[: dice.randrange(len(text))] + "\n[[["
        return text.encode()

    def state(self) -> dict:
        """What its status says."""
        return self.program.status().get("configuration") or {}


def run(trial: Trial) -> None:
    """Each cycle: some versions at once, whatever becomes of them; then one that is taken and one that is not."""
    pair = Pair(trial, "pair")
    files = (
        _File(
            pair.station, pair.folder / "station" / "perigeed.toml",
            lambda number: f"\n[link]\nrate_bits_per_second = {number * 10_000_000}\n",
        ),
        _File(
            pair.gateway, pair.folder / "gateway" / "gateway.toml", lambda number: f"\n[limits]\nstations = {number}\n"
        ),
    )  # fmt: skip
    try:
        pair.gateway.start_until_ready()
        pair.restart_station()
        _wait(pair, "the first configuration", lambda: all(file.state().get("generation") == 1 for file in files))
        for cycle in trial.cycles("reloads"):
            dice = trial.dice("reload", cycle)
            for file in files:
                _reload(trial, pair, file, dice)
        ledger = pair.settle()
        trial.check(ledger["spooled"] == len(pair.source.sent), f"frames are missing: {ledger}")
        pair.check_archive()
        pair.check_sound()
        trial.add(frames=len(pair.source.sent), lost=0)
    finally:
        pair.kill()


def _reload(trial: Trial, pair: Pair, file: _File, dice: random.Random) -> None:
    before = file.state()["generation"]
    for _ in range(dice.randint(0, 4)):
        octets = file.good(dice) if dice.random() < 0.5 else file.bad(dice, dice.choice(MISTAKES))
        file.replace(octets)
        trial.add(at_once=1)
        pair.drive(dice.uniform(0, 0.05))
    file.replace(file.good(dice))
    _wait(
        pair, "a good file to be taken",
        lambda: file.state()["generation"] > before and file.state()["last_error"] is None,
    )  # fmt: skip
    taken = _calm(pair, file)["generation"]
    mistake = dice.choice(MISTAKES)
    file.replace(file.bad(dice, mistake))
    _wait(pair, f"a file with a mistake ({mistake}) to be refused", lambda: file.state()["last_error"] is not None)
    state = _calm(pair, file)
    trial.check(state["generation"] == taken, f"{mistake}: generation {taken} became {state['generation']}")
    trial.check(state["last_error"] is not None, f"{mistake}: the reason of the refusal went away")
    pair.station.ledger()
    trial.add(taken=1, refused=1)


def _calm(pair: Pair, file: _File) -> dict:
    """What the status says once three in a row say the same: a signal may still be on its way."""
    seen: list[tuple[int, dict]] = []

    def is_calm() -> bool:
        now = (file.program.status_file.stat().st_mtime_ns, file.state())
        if not seen or now[0] != seen[-1][0]:
            seen.append(now)
        return len(seen) > 2 and all(state == seen[-1][1] for _, state in seen[-3:])

    _wait(pair, "the configuration to rest", is_calm)
    return seen[-1][1]


def _wait(pair: Pair, what: str, is_true: Callable[[], bool]) -> None:
    """Until it holds; frames come meanwhile, and both daemons must live."""

    def is_done() -> bool:
        if pair.source.unanswered < 4:
            pair.source.give()
        pair.source.drive(20)
        return is_true()

    wait_for(what, is_done, 60, (pair.station, pair.gateway))


ROW = Row(
    name="reload",
    fault="reload under load, half of the files wrong",
    how="the files of both daemons replaced again and again, SIGHUP after each, several at once too; unknown keys,"
    " values beyond limits, cut files, noise, no file; frames coming",
    passes="a wrong file changes nothing and is shown with its reason, a good one counts; nothing lost, nobody ends",
    long={"reloads": 100},
    short={"reloads": 2},
    run=run,
)

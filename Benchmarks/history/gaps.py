"""Gain by the age of memory, at each rate; and by the position in a series."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from history.memory import BUDGETS, REMEMBERED, Codec, State, psnr
from history.series import Date, clear, dense
from perigee_codec import Model

# Days to the date that memory shows, first and last.
GAPS = ((2, 5), (6, 20), (21, 60), (61, 100_000))
GAP_NAMES = ("2 to 5", "6 to 20", "21 to 60", "over 60")
# dB, as asked for and as aimed at, by gap, at each budget.
MUST = ((0.1, 0.35, 1.0, 1.9, 2.2), (0.1, 0.3, 0.9, 1.6, 2.0), (0.05, 0.1, 0.45, 0.9, 0.9), (0, 0, 0.1, 0.25, 0.3))
AIM = ((0.3, 0.7, 1.8, 3.3, 3.8), (0.25, 0.6, 1.6, 2.9, 3.3), (0.15, 0.4, 1.0, 1.9, 2.1), (0.1, 0.25, 0.7, 1.2, 1.2))
PREFIX_LOSS = 0.3


@dataclass(frozen=True)
class Gain:
    """One date at one rate with memory of one gap class: dB without memory and with it.

    `prefix`: dB of the same octets of a stream aimed at the rate of memory, finer rates have none.
    """

    place: str
    day: int
    gap: int
    budget: int
    days: int
    plain: float
    predicted: float
    is_predicted: bool
    prefix: float | None

    @property
    def gain(self) -> float:
        """dB over no memory."""
        return self.predicted - self.plain

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        return asdict(self) | {"gain": self.gain}


@dataclass(frozen=True)
class Position:
    """One date as it is remembered, dB: in closed loop, without memory, and with the dates before, coded plain."""

    place: str
    position: int
    depth: int
    closed: float
    plain: float
    fresh: float


def by_gap(model: Model, folder: str, place: str) -> tuple[list[Gain], list[Position]]:
    """All clear dates of a series."""
    dates = clear(dense(folder, place))
    codec = Codec(model, dates[0].samples, dates[0].bands)
    states = codec.chain(dates)
    gains: list[Gain] = []
    for index, one in enumerate(dates):
        plain = {budget: codec.encode(one.samples, [budget], None) for budget in BUDGETS}
        for gap, (least, most) in enumerate(GAPS):
            known = [i for i, state in enumerate(states[:index]) if least <= one.day - state.day <= most]
            if known:
                without = {budget: coded.psnr for budget, coded in plain.items() if coded}
                gains += _with(codec, place, one, gap, states[: known[-1] + 1], without)
    return gains, _positions(codec, place, dates, states)


def _with(codec: Codec, place: str, one: Date, gap: int, states: list[State], plain: dict[int, float]) -> list[Gain]:
    reference, _ = codec.remembered(states, one.samples)
    ladder = sorted(budget for budget in BUDGETS if budget <= REMEMBERED)
    stream = codec.encode(one.samples, ladder, reference)
    found = []
    for budget, without in plain.items():
        coded = codec.encode(one.samples, [budget], reference)
        if coded is None:
            raise ValueError(f"{one.file} fits {budget} octets without memory and not with it")
        cut = None
        if stream and budget <= REMEMBERED:
            cut = psnr(one.samples, codec.decode(stream.layers, reference, budget))
        days = one.day - states[-1].day
        found.append(Gain(place, one.day, gap, budget, days, without, coded.psnr, coded.is_predicted, cut))
    return found


def _positions(codec: Codec, place: str, dates: list[Date], states: list[State]) -> list[Position]:
    plain = codec.alone(dates)
    found = []
    for index in range(1, len(dates)):
        reference, _ = codec.remembered(plain[:index], dates[index].samples)
        if fresh := codec.encode(dates[index].samples, [REMEMBERED], reference):
            state = states[index]
            found.append(Position(place, index, state.depth, state.psnr, plain[index].psnr, fresh.psnr))
    return found

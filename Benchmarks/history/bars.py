"""What is asked for and what is aimed at, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import fmean

from history.files import MONTH_BARS, SEASON_BARS, FileGain
from history.gaps import AIM, GAP_NAMES, GAPS, MUST, PREFIX_LOSS, Gain, Position
from history.memory import BUDGETS
from history.planted import ASKED, TOLERANCE, Kept
from history.wrong import LIMIT, Wrong

# Clear dates from which on a gain may not be lower than before.
LONG = 30


@dataclass(frozen=True)
class Bar:
    """One figure: `must` is the least it has to be, or with `is_ceiling` the most; `aim` what is hoped for."""

    name: str
    value: float
    must: float
    aim: float | None = None
    is_ceiling: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure is where it must be."""
        return self.value <= self.must if self.is_ceiling else self.value >= self.must

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        return asdict(self) | {"is_met": self.is_met}


def cell(gains: Iterable[Gain], gap: int, budget: int) -> list[Gain]:
    """The dates of one gap class at one rate."""
    return [row for row in gains if (row.gap, row.budget) == (gap, budget)]


def gap_bars(gains: list[Gain]) -> list[Bar]:
    """Every cell of the table of one place, the prefixes of one stream, and the worst date."""
    bars = []
    place = gains[0].place
    for gap in range(len(GAPS)):
        for column, budget in enumerate(BUDGETS):
            if rows := cell(gains, gap, budget):
                name = f"{place}, {GAP_NAMES[gap]} days, {budget:,} B"
                bars.append(Bar(name, fmean(row.gain for row in rows), MUST[gap][column], AIM[gap][column]))
    for gap in range(len(GAPS)):
        for budget in BUDGETS:
            if loss := prefix_loss(gains, gap, budget):
                name = f"{place}, {GAP_NAMES[gap]} days, {budget:,} B, loss of a prefix"
                bars.append(Bar(name, loss, PREFIX_LOSS, is_ceiling=True))
    bars.append(Bar(f"{place}, worst single date", min(row.gain for row in gains), -LIMIT))
    return bars


def prefix_loss(gains: Iterable[Gain], gap: int, budget: int) -> float | None:
    """dB that prefixes of a stream aimed at the rate of memory lose against streams of their own."""
    losses = [row.predicted - row.prefix for row in cell(gains, gap, budget) if row.prefix is not None]
    return fmean(losses) if losses else None


def position_bars(rows: list[Position]) -> list[Bar]:
    """Late dates against early ones: what closed loop gains over memory of the dates before, coded plain."""
    late = [row.closed - row.fresh for row in rows if row.position >= LONG]
    early = [row.closed - row.fresh for row in rows if row.position < LONG]
    if not late or not early:
        return []
    name = f"{rows[0].place}, dates {LONG} and later minus earlier ones, closed loop over fresh memory"
    return [Bar(name, fmean(late) - fmean(early), -0.1)]


def planted_bars(rows: list[Kept]) -> list[Bar]:
    """Share of the amplitude with memory minus that without, at the rates at which it is asked for."""

    def mean(change: str, budget: int, figure: Callable[[Kept], float]) -> float:
        return fmean(figure(row) for row in rows if (row.change, row.budget) == (change, budget))

    return [
        Bar(
            f"{rows[0].place}, {change}, {budget} B, amplitude kept with memory minus without",
            mean(change, budget, lambda row: row.predicted - row.plain),
            -TOLERANCE,
        )
        for change in dict.fromkeys(row.change for row in rows)
        for budget in ASKED
    ]


def wrong_bars(rows: list[Wrong]) -> list[Bar]:
    """The worst date of each kind of memory."""
    kinds = dict.fromkeys(row.memory for row in rows)
    return [
        Bar(f"{rows[0].place}, memory {kind}, worst date", min(row.gain for row in rows if row.memory == kind), -LIMIT)
        for kind in kinds
    ]


def file_bars(rows: list[FileGain]) -> list[Bar]:
    """Mean gain of whole files, seasons and months, at each ratio."""
    found = []
    for set_name, bars in (("seasons", SEASON_BARS), ("months", MONTH_BARS)):
        for ratio, (must, aim) in bars.items():
            if part := [row.gain for row in rows if (row.set_name, row.ratio) == (set_name, ratio)]:
                found.append(Bar(f"{set_name}, {ratio:,}x, whole files", fmean(part), must, aim))
    return found


def by_position(rows: list[Position]) -> list[tuple[str, int, float, float]]:
    """Dates first to last of a series, their count, gain over no memory, and over fresh memory."""
    spans = ((1, 4), (5, 9), (10, 19), (20, 29), (30, 10_000))
    found = []
    for first, last in spans:
        part = [row for row in rows if first <= row.position <= last]
        if part:
            name = f"{first} to {last}" if last < 10_000 else f"{first} and later"
            over = (fmean(row.closed - row.plain for row in part), fmean(row.closed - row.fresh for row in part))
            found.append((name, len(part), *over))
    return found

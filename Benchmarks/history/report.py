"""The tables of Docs/benchmarks.md and of README.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean

from history.bars import (
    Bar,
    by_position,
    cell,
    file_bars,
    gap_bars,
    planted_bars,
    position_bars,
    prefix_loss,
    wrong_bars,
)
from history.cost import TIME_LIMIT
from history.files import MONTH_BARS, SEASON_BARS, FileGain
from history.gaps import AIM, GAP_NAMES, GAPS, MUST, Gain, Position
from history.memory import BUDGETS, REMEMBERED
from history.planted import Kept
from history.wrong import Wrong

NATIVE = {1493: "30x", 448: "100x", 149: "300x", 44: "1,000x", 14: "3,000x"}


@dataclass
class Measured:
    """Everything the bench found; series by place, the one that decides first."""

    gains: dict[str, list[Gain]] = field(default_factory=dict)
    positions: dict[str, list[Position]] = field(default_factory=dict)
    kept: dict[str, list[Kept]] = field(default_factory=dict)
    wrong: dict[str, list[Wrong]] = field(default_factory=dict)
    files: list[FileGain] = field(default_factory=list)
    times: list[dict[str, object]] = field(default_factory=list)
    stores: list[dict[str, object]] = field(default_factory=list)

    def bars(self) -> list[Bar]:
        """All that is asked for."""
        found = [bar for rows in self.gains.values() for bar in gap_bars(rows)]
        found += [bar for rows in self.positions.values() for bar in position_bars(rows)]
        found += file_bars(self.files)
        found += [bar for rows in self.kept.values() for bar in planted_bars(rows)]
        found += [bar for rows in self.wrong.values() for bar in wrong_bars(rows)]
        return found + [
            Bar(
                f"{row['place']}, {row['what']}, time of the encoder",
                float(str(row["over_plain"])),
                TIME_LIMIT,
                None,
                True,
            )
            for row in self.times
        ]


def row(*cells: object) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(one) for one in cells) + " |\n"


def head(*cells: object) -> str:
    """The first two lines of a table."""
    return row(*cells) + "|" + "---|" * len(cells) + "\n"


def _budgets() -> list[str]:
    return [f"{budget:,} B ({NATIVE[budget]} native)" for budget in BUDGETS]


def gap_table(gains: list[Gain]) -> str:
    """Gain, what is asked and aimed at, how often memory was used, and the worst date."""
    lines = [head("days to memory", "dates", *_budgets())]
    for gap, name in enumerate(GAP_NAMES):
        cells = []
        for column, budget in enumerate(BUDGETS):
            rows = cell(gains, gap, budget)
            if not rows:
                cells.append("does not fit")
                continue
            gain, used = fmean(one.gain for one in rows), fmean(one.is_predicted for one in rows)
            cells.append(
                f"**{gain:+.2f}** ({MUST[gap][column]:g} / {AIM[gap][column]:g}), {used:.0%},"
                f" least {min(one.gain for one in rows):+.2f}"
            )
        lines.append(row(name, len({one.day for one in gains if one.gap == gap}), *cells))
    return "".join(lines)


def prefix_table(gains: list[Gain]) -> str:
    """Prefixes of one stream: gain over no memory, and what they lose against streams of their own."""
    budgets = [budget for budget in BUDGETS if budget <= REMEMBERED]
    lines = [head("days to memory", *(f"{budget} B" for budget in budgets))]
    for gap, name in enumerate(GAP_NAMES):
        cells = []
        for budget in budgets:
            rows = [one for one in cell(gains, gap, budget) if one.prefix is not None]
            loss = prefix_loss(gains, gap, budget)
            gain = fmean((one.prefix or 0) - one.plain for one in rows) if rows else 0.0
            cells.append("does not fit" if loss is None else f"{gain:+.2f}, loses {loss:.2f}")
        lines.append(row(name, *cells))
    return "".join(lines)


def position_table(rows: list[Position]) -> str:
    """Gain along the series."""
    lines = [
        head("clear dates before", "dates", "over no memory, dB", "over memory of the dates before, coded plain, dB")
    ]
    return "".join(
        lines + [row(name, count, f"{plain:+.2f}", f"{fresh:+.2f}") for name, count, plain, fresh in by_position(rows)]
    )


def planted_table(rows: list[Kept]) -> str:
    """Share of the amplitude and error inside, without memory and with it."""
    lines = [head("change of 10 x 10 pixels", *_budgets()[1:])]
    for change in dict.fromkeys(one.change for one in rows):
        cells = []
        for budget in BUDGETS[1:]:
            part = [one for one in rows if (one.change, one.budget) == (change, budget)]
            if not part:
                cells.append("does not fit")
                continue
            share = f"{fmean(one.plain for one in part):.2f} → {fmean(one.predicted for one in part):.2f}"
            errors = (fmean(one.plain_error for one in part), fmean(one.predicted_error for one in part))
            cells.append(f"{share} (error {errors[0]:.0f} → {errors[1]:.0f})")
        lines.append(row(change, *cells))
    return "".join(lines)


def wrong_table(rows: list[Wrong]) -> str:
    """Mean gain, share of dates that used the memory, and the worst date."""
    lines = [head("memory", *_budgets())]
    for kind in dict.fromkeys(one.memory for one in rows):
        cells = []
        for budget in BUDGETS:
            part = [one for one in rows if (one.memory, one.budget) == (kind, budget)]
            if not part:
                cells.append("does not fit")
                continue
            used = fmean(one.is_predicted for one in part)
            cells.append(
                f"{fmean(one.gain for one in part):+.2f}, {used:.0%}, least {min(one.gain for one in part):+.2f}"
            )
        lines.append(row(kind, *cells))
    return "".join(lines)


def file_table(rows: list[FileGain], bars: dict[int, tuple[float, float]]) -> str:
    """A row for each frame, then the mean beside what is asked for."""
    labels = {one.ratio: f"{one.ratio:,}x ({one.native_ratio:,.0f}x native), {one.budget:,} B" for one in rows}
    lines = [head("whole files, PSNR without memory → with", *labels.values())]
    for frame in dict.fromkeys(one.frame for one in rows):
        cells = []
        for ratio in labels:
            (one,) = [one for one in rows if (one.frame, one.ratio) == (frame, ratio)]
            cells.append(f"{one.plain:.2f} → {one.predicted:.2f} ({one.gain:+.2f})")
        lines.append(row(frame, *cells))
    means = []
    for ratio in labels:
        gain = fmean(one.gain for one in rows if one.ratio == ratio)
        means.append(f"**{gain:+.2f}** ({bars[ratio][0]:g} / {bars[ratio][1]:g})")
    return "".join([*lines, row("mean (must / aim)", *means)])


def cost_tables(measured: Measured) -> str:
    """Times and octets."""
    lines = [
        head(
            "seconds of one core",
            "without memory",
            "with memory",
            "over without (must 1.6)",
            "making the reference",
            "decoding it",
        )
    ]
    for one in measured.times:
        seconds = one["seconds"]
        assert isinstance(seconds, dict)
        shape = " x ".join(str(size) for size in one["shape"])  # type: ignore[attr-defined]
        cells = [f"{seconds[name]:.3f}" for name in ("plain", "predicted")]
        rest = [f"{seconds[name]:.3f}" for name in ("reference", "decode")]
        lines.append(
            row(f"{one['place']}, {one['what']}, {shape}", *cells, f"{float(str(one['over_plain'])):.2f}", *rest)
        )
    lines.append(
        "\n"
        + head("what memory keeps", "octets of the key", "of the update", "octets per km²", "MB of a million places")
    )
    for one in measured.stores:
        names = ("key", "update", "octets_per_km2", "megabytes_of_a_million_places")
        cells = [f"{float(str(one[name])):,.0f}" for name in names]
        lines.append(row(f"{one['place']}, {one['bands']} bands, {one['rule']}", *cells))
    return "".join(lines)


def verdict(bars: list[Bar]) -> str:
    """How many of the figures are where they must be, and which are not."""
    missed = [bar for bar in bars if not bar.is_met]
    lines = [f"{len(bars) - len(missed)} of {len(bars)} figures are where they must be.\n"]
    if missed:
        lines.append("Not where they must be:\n\n")
        lines += [
            f"- {bar.name}: {bar.value:+.2f}, {'at most' if bar.is_ceiling else 'at least'} {bar.must:+.2f}\n"
            for bar in missed
        ]
    return "".join(lines)


def document(measured: Measured) -> str:
    """Everything between the markers of Docs/benchmarks.md but figures and provenance."""
    parts = []
    for index, (place, gains) in enumerate(measured.gains.items()):
        role = "decides" if index == 0 else "validation: settings were chosen on it"
        parts.append(f"### {place}, 64 x 64, 10 bands ({role})\n")
        parts.append(f"dB over no memory (must / aim), share of dates that used it, least:\n\n{gap_table(gains)}\n")
        parts.append(f"Prefixes of one stream aimed at {REMEMBERED} B, over no memory:\n\n{prefix_table(gains)}\n")
        parts.append(f"Along the series, {REMEMBERED} B:\n\n{position_table(measured.positions[place])}\n")
        if place in measured.kept:
            parts.append(
                "Changes, share of the amplitude that is kept and error inside, DN, without memory → with:\n\n"
            )
            parts.append(f"{planted_table(measured.kept[place])}\n")
            parts.append(f"Memory that is wrong, dB over no memory:\n\n{wrong_table(measured.wrong[place])}\n")
    for set_name, title, bars in (
        ("seasons", "Seasons of a place, the first as a key at 100x", SEASON_BARS),
        ("months", "A month from the one before it, remembered at 300x native", MONTH_BARS),
    ):
        if rows := [one for one in measured.files if one.set_name == set_name]:
            parts.append(f"### {title}\n{file_table(rows, bars)}\n")
    parts.append(f"### What it costs\n{cost_tables(measured)}\n{verdict(measured.bars())}\n")
    return "".join(parts)


def readme(measured: Measured) -> str:
    """The short table of README.md."""
    place, gains = next(iter(measured.gains.items()))
    lines = [
        head(
            f"{place}: dB over no memory, clear date so many days ago",
            *(f"{NATIVE[budget]} native" for budget in BUDGETS),
        )
    ]
    for gap, name in enumerate(GAP_NAMES[: len(GAPS)]):
        cells = [cell(gains, gap, budget) for budget in BUDGETS]
        lines.append(row(name, *(f"{fmean(one.gain for one in rows):+.2f}" if rows else "-" for rows in cells)))
    return "".join(lines)


def headline(measured: Measured) -> str:
    """One sentence for the top of README.md: what a recent look is worth."""
    place, gains = next(iter(measured.gains.items()))
    gap, budget = 1, 44
    gain = fmean(one.gain for one in cell(gains, gap, budget))
    return (
        f"On a real series ({place}) a frame whose place was seen {GAP_NAMES[gap]} days ago gains {gain:.1f} dB"
        f" from that at {NATIVE[budget]} of its native samples (`make bench-history`).\n"
    )

"""The demo from its frames to its answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from perigee_cluster.demo.daemons import running
from perigee_cluster.demo.measured import Answer, opened, received, unseen
from perigee_cluster.demo.passes import Passes
from perigee_cluster.evaluation.cases import HISTORY_RATIO
from perigee_cluster.evaluation.places import SENSOR
from perigee_cluster.history.build import build
from perigee_cluster.history.store import History

RATIOS = (1_000, 10_000)

Say = Callable[[str], None]


def fly(passes: Passes, folder: Path, say: Say, ratios: Sequence[int] = RATIOS) -> list[Answer]:
    """Sends the year, builds history from its packets, and sends the last pass at each ratio by a station as it was
    after that year: once without its memory of the places, once with it. Nothing of one try is in another."""
    live, year = folder / "live", folder / "year"
    with running(live, f"{HISTORY_RATIO}x") as daemons:
        for number, scenes in enumerate(passes.sent, 1):
            daemons.send([scene.file for scene in scenes], SENSOR)
            say(f"pass {number} of {len(passes.sent)}, {scenes[0].day}: delivered")
    shutil.copytree(live, year)
    history = History(folder / "history")
    summary = build(opened(year / "archive"), history)
    say(f"history: {summary.added} frames of {len(history.places())} cells")
    answers = []
    for ratio in ratios:
        for how in ("without", "with"):
            rewind(live, year)
            with running(live, f"{ratio}x", has_memory=how == "with", is_fixed=True) as daemons:
                daemons.send([scene.file for scene in passes.last], SENSOR)
            own = Path(shutil.copytree(live / "archive", folder / f"{ratio}x-{how}-memory"))
            sent = f"{ratio:,}x {how} memory"
            answers += [received(opened(own), history, scene, sent) for scene in passes.last]
            say(f"last pass at {sent}: reconstructed")
    shutil.rmtree(live)
    answers += [unseen(opened(year / "archive"), history, scene) for scene in passes.unseen]
    say("the pass that nobody sent: answered")
    return answers


def rewind(live: Path, year: Path) -> None:
    """Brings back what both daemons kept after the year, into the same files: a station that finds its spool in another
    file takes it for a copy and forgets what it knew of places."""
    for file in live.rglob("*"):
        if file.is_file() and not (year / file.relative_to(live)).exists():
            file.unlink()
    for file in year.rglob("*"):
        if file.is_file():
            shutil.copyfile(file, live / file.relative_to(year))

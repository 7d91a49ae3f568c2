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
    after that year: once with its memory of the places, once without. Nothing of one try is in another."""
    year = folder / "year"
    with running(year, f"{HISTORY_RATIO}x") as daemons:
        for number, scenes in enumerate(passes.sent, 1):
            daemons.send([scene.file for scene in scenes], SENSOR)
            say(f"pass {number} of {len(passes.sent)}, {scenes[0].day}: delivered")
    archive, history = opened(year / "archive"), History(folder / "history")
    summary = build(archive, history)
    say(f"history: {summary.added} frames of {len(history.places())} cells")
    answers = []
    for ratio in ratios:
        for has_memory in (False, True):
            sent = f"{ratio:,}x {'with' if has_memory else 'without'} memory"
            own = folder / f"{ratio}x-{'with' if has_memory else 'without'}-memory"
            shutil.copytree(year, own)
            with running(own, f"{ratio}x", has_memory) as daemons:
                daemons.send([scene.file for scene in passes.last], SENSOR)
            answers += [received(opened(own / "archive"), history, scene, sent) for scene in passes.last]
            say(f"last pass at {sent}: reconstructed")
    answers += [unseen(archive, history, scene) for scene in passes.unseen]
    say("the pass that nobody sent: answered")
    return answers

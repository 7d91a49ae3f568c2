"""Followers on archives of the real daemons: order, resumption, several workers, failures, metrics."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rasterio", reason="group serve is not installed: make cluster GROUPS=serve")

from archives import FIRMWARE, ROOT, VISITS, Live, Year, change, flip, need_programs, opened, place_of
from perigee_cluster.following import Event, Follower, Setup, openmetrics
from perigee_cluster.following.follower import FULL_WAIT
from perigee_cluster.following.locks import Locks, lock_names
from perigee_cluster.products import RECONSTRUCTED, NoRoomError, Shelf

METHODS = ("deterministic", RECONSTRUCTED)


class Clock:
    """A clock of the test."""

    def __init__(self) -> None:
        self.time = 2_000_000_000.0

    def __call__(self) -> float:
        return self.time


def setup_of(archive: Path, folder: Path, **options: object) -> Setup:
    return Setup(archive, tuple(FIRMWARE), folder / "history", folder / "products", **options)


def run(follower: Follower) -> list[Event]:
    """Everything that is due."""
    events = []
    while (event := follower.step()) is not None:
        events.append(event)
    return events


def test_decodes_come_first_and_then_reconstructions_by_acquisition(year: Year, tmp_path: Path) -> None:
    follower = Follower(setup_of(year.archive, tmp_path))
    events = run(follower)
    assert [event.outcome for event in events] == ["made"] * (2 * len(VISITS))
    assert [event.method for event in events] == ["deterministic"] * len(VISITS) + [RECONSTRUCTED] * len(VISITS)
    times = [opened(year.archive).frame(*_identity(event.frame)).time for event in events[len(VISITS) :]]
    assert times == sorted(times)
    rows = follower.shelf.catalog.rows()
    assert Counter(row.collection for row in rows) == dict.fromkeys(METHODS, len(VISITS))
    assert follower.tasks.count() == {"ready": 0, "waiting": 0, "given_up": 0}
    with_history = [follower.shelf.item(row)["properties"]["perigee:history"] for row in rows]
    assert all(one["age_days"] != 0 for history in with_history for one in history)


def _identity(frame: str) -> tuple[str, bytes, int]:
    station, epoch, number = frame.split("/")
    return station, bytes.fromhex(epoch), int(number)


def test_a_follower_goes_on_where_another_was_ended(year: Year, tmp_path: Path) -> None:
    setup = setup_of(year.archive, tmp_path, methods=("deterministic",))
    first = Follower(setup)
    seen = [first.step() for _ in range(3)]
    events = run(Follower(setup))
    assert len(events) == len(VISITS) - 3
    assert {(e.frame, e.method) for e in seen}.isdisjoint((e.frame, e.method) for e in events)
    assert run(Follower(setup)) == []


def test_a_cursor_that_is_lost_makes_nothing_anew(year: Year, tmp_path: Path) -> None:
    setup = setup_of(year.archive, tmp_path, methods=("deterministic",))
    run(Follower(setup))
    for path in (tmp_path / "products").glob("catalog.sqlite*"):
        path.unlink()
    assert {event.outcome for event in run(Follower(setup))} == {"unchanged"}


def test_what_comes_later_is_followed(tmp_path: Path) -> None:
    need_programs()
    live = Live.start(tmp_path)
    try:
        follower = Follower(setup_of(tmp_path / "gateway" / "archive", tmp_path))
        assert follower.step() is None
        for visit, _ in zip(VISITS[:2], range(2), strict=True):
            live.send("--start", f"{visit[0]}T10:00:00Z", "--clouds", "0", "--rows", "64", "--columns", "64")
            events = run(follower)
            assert [event.method for event in events] == list(METHODS)
            assert all(event.lag_seconds is not None for event in events)
    finally:
        live.stop()


def test_a_product_that_was_removed_comes_back_by_reprocessing(year: Year, tmp_path: Path) -> None:
    setup = setup_of(year.archive, tmp_path)
    follower = Follower(setup)
    run(follower)
    gone = follower.shelf.catalog.rows(f"collection = '{RECONSTRUCTED}'")[-1]
    (follower.shelf.folder / gone.path).unlink()
    since = np.datetime64(gone.time, "ms")
    count = follower.reprocess(RECONSTRUCTED, since)
    events = run(follower)
    assert count == len(events) >= 1
    assert [event.outcome for event in events] == ["made"] + ["unchanged"] * (count - 1)
    assert follower.shelf.item(gone)["id"] == gone.item


def test_a_new_method_leaves_the_old_products(year: Year, tmp_path: Path) -> None:
    follower = Follower(setup_of(year.archive, tmp_path, methods=("deterministic",)))
    run(follower)
    before = {path: path.read_bytes() for path in follower.shelf.folder.glob("*/*/*/*")}
    assert follower.reprocess(RECONSTRUCTED, None) == len(VISITS)
    assert {event.outcome for event in run(follower)} == {"made"}
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(ValueError, match="must be one of"):
        follower.reprocess("no-such-model", None)


def test_one_worker_is_at_a_place(year: Year, tmp_path: Path) -> None:
    setup = setup_of(year.archive, tmp_path)
    one, two = Follower(setup), Follower(setup)
    one.look()
    frame = next(opened(year.archive).frames())
    with Locks(setup.products / "locks") as locks:
        assert locks.take(lock_names(frame.places()))
        assert two.work() is None
    assert two.work() is not None


def test_places_far_apart_have_locks_of_their_own() -> None:
    near = [f"32631_2560_{column}_{row}" for column in range(160, 168) for row in range(2_192, 2_200)]
    assert len(lock_names(near)) == 1
    assert lock_names(["32631_2560_176_2192"]) != lock_names(near)
    assert lock_names(["named_" + "a" * 24]) == ["named_" + "a" * 24]


def test_a_frame_of_an_unknown_firmware_waits_for_the_bundle(year: Year, tmp_path: Path) -> None:
    clock = Clock()
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    setup = Setup(year.archive, (bundles,), tmp_path / "history", tmp_path / "products", methods=("deterministic",))
    follower = Follower(setup, now=clock)
    events = run(follower)
    assert [event.outcome for event in events] == ["failed"] * len(VISITS)
    assert follower.tasks.count()["waiting"] == len(VISITS)
    shutil.copytree(ROOT / "Firmware", bundles / "all", dirs_exist_ok=True)
    for bundle in (ROOT / "Firmware").iterdir():
        if bundle.is_dir():
            shutil.copytree(bundle, bundles / bundle.name)
    clock.time += 600
    assert [event.outcome for event in run(follower)] == ["made"] * len(VISITS)
    assert follower.shelf.catalog.counters()["failures", "unknown_firmware"] == len(VISITS)


def test_a_damaged_frame_holds_up_no_other(year: Year, tmp_path: Path) -> None:
    archive = year.copy(tmp_path)
    last = max(frame.row.frame for frame in opened(archive).frames())
    offset, size = place_of(archive, last, 0)
    flip(archive, offset + size)
    events = run(Follower(setup_of(archive, tmp_path, methods=("deterministic",))))
    failed = [event for event in events if event.outcome == "failed"]
    assert failed and all(event.reason.startswith("damaged") for event in failed)
    assert sum(event.outcome == "made" for event in events) == len(VISITS) - 1


def test_a_frame_whose_reference_is_missing_waits_for_it(year: Year, tmp_path: Path) -> None:
    archive = year.copy(tmp_path)
    predicted = next(frame for frame in opened(archive).frames() if frame.references)
    reference = predicted.references[0]
    change(archive, "UPDATE packets SET frame = frame + 1000 WHERE kind < 2 AND frame = ?", reference - _base(archive))
    events = run(Follower(setup_of(archive, tmp_path, methods=("deterministic",))))
    failed = {event.frame: event.reason for event in events if event.outcome == "failed"}
    assert failed[predicted.id].startswith("waiting_for_reference")
    assert any(event.outcome == "made" for event in events)


def _base(archive: Path) -> int:
    return next(opened(archive).frames()).declaration.base_frame


def test_an_archive_without_packets_gives_nothing(year: Year, tmp_path: Path) -> None:
    archive = year.copy(tmp_path)
    for table in ("packets", "frames", "declarations"):
        change(archive, f"DELETE FROM {table}")
    assert run(Follower(setup_of(archive, tmp_path))) == []


def test_a_full_disk_holds_all_tasks_and_loses_none(
    year: Year, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    follower = Follower(setup_of(year.archive, tmp_path, methods=("deterministic",)), now=clock)
    file = Shelf.file

    def full(*_: object) -> None:
        raise NoRoomError(errno.ENOSPC, "no room for 9 octets: free some", "x")

    monkeypatch.setattr(Shelf, "file", full)
    events = run(follower)
    assert [event.outcome for event in events] == ["failed"]
    monkeypatch.setattr(Shelf, "file", file)
    assert run(follower) == []
    clock.time += FULL_WAIT + 1
    assert [event.outcome for event in run(follower)] == ["made"] * len(VISITS)


def test_a_method_that_refuses_a_frame_is_given_up_until_more_comes(
    year: Year, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perigee_cluster.reconstruction import RegressProject

    def refuse(*_: object) -> None:
        raise ValueError("no sense in this")

    monkeypatch.setattr(RegressProject, "reconstruct", refuse)
    clock = Clock()
    follower = Follower(setup_of(year.archive, tmp_path), now=clock)
    for _ in range(20):
        run(follower)
        clock.time += 700
    assert follower.tasks.count() == {"ready": 0, "waiting": 0, "given_up": len(VISITS)}
    assert follower.shelf.catalog.counters()["failures", "method"] == len(VISITS)
    assert len(follower.shelf.catalog.rows()) == len(VISITS)


def test_metrics_say_what_was_done(year: Year, tmp_path: Path) -> None:
    follower = Follower(setup_of(year.archive, tmp_path))
    run(follower)
    lines = openmetrics(follower.shelf).splitlines()
    assert lines[-1] == "# EOF"
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['perigee_cluster_products_total{method="deterministic"}'] == str(len(VISITS))
    assert values['perigee_cluster_queue_tasks{state="ready"}'] == "0"
    sent = int(values[f'perigee_cluster_agreement_sent_total{{method="{RECONSTRUCTED}"}}'])
    assert sent == int(values[f'perigee_cluster_agreement_held_total{{method="{RECONSTRUCTED}"}}']) > 0
    assert values['perigee_cluster_lag_seconds_count{method="deterministic"}'] == str(len(VISITS))
    assert int(values["perigee_cluster_products_bytes"]) == follower.shelf.catalog.octets()


def test_several_processes_make_each_product_once(year: Year, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "perigee_cluster", "follow", str(year.archive), "--once", "--workers", "3", "--json"]
    words += ["--history", str(tmp_path / "history"), "--products", str(tmp_path / "products")]
    words += ["--firmware", str(FIRMWARE[0])]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT / "Cluster", check=False)
    assert done.returncode == 0, done.stderr
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((one["frame"], one["method"]) for one in made if one["outcome"] == "made") == sorted(
        (frame.id, method) for frame in opened(year.archive).frames() for method in METHODS
    )
    alone = Follower(setup_of(year.archive, tmp_path / "alone"))
    run(alone)

    def files(folder: Path) -> dict[Path, bytes]:
        return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*/*/*.tif")}

    assert files(tmp_path / "products") == files(alone.shelf.folder)


def test_a_follower_that_is_killed_leaves_its_work_to_the_next(year: Year, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "perigee_cluster", "follow", str(year.archive), "--json"]
    words += ["--history", str(tmp_path / "history"), "--products", str(tmp_path / "products")]
    words += ["--firmware", str(FIRMWARE[0]), "--method", "deterministic"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT / "Cluster") as process:
        before = json.loads(process.stdout.readline())
        process.kill()
    follower = Follower(setup_of(year.archive, tmp_path, methods=("deterministic",)))
    events = run(follower)
    assert before["outcome"] == "made" and before["frame"] not in {e.frame for e in events if e.outcome == "made"}
    rows = follower.shelf.catalog.rows()
    assert len(rows) == len(VISITS)
    assert all(follower.shelf.asset(row, kind).exists() for row in rows for kind in ("reconstruction", "flags"))
    sizes = sum(path.stat().st_size for path in follower.shelf.folder.glob("*/*/*/[!.]*"))
    assert sizes == follower.shelf.catalog.octets()

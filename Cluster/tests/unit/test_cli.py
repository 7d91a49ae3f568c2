"""The command line, as it is called."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archives import ROOT, VISITS, Year, change
from perigee_cluster.cli import main


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIGEE_HOME", str(ROOT))


def run(*words: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of a command in this process."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = main(list(map(str, words)))
        except SystemExit as end:  # --help
            code = int(end.code or 0)
    return code, output.getvalue(), errors.getvalue()


def run_apart(*words: str | Path, stdout: int) -> tuple[int, str]:
    """Exit code and errors of a command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Cluster")}
    command = [sys.executable, "-m", "perigee_cluster", *map(str, words)]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment)
    return done.returncode, done.stderr


def told(*words: str | Path) -> dict:
    code, output, errors = run(*words, "--json")
    assert code == 0, errors
    return json.loads(output)


def test_frames_and_places_are_listed(year: Year) -> None:
    listed = told("archive", "ls", year.archive)
    assert len(listed["frames"]) == len(VISITS)
    frame = listed["frames"][1]
    assert frame["state"] == "ready" and frame["references"] == [0] and frame["datetime"].endswith("Z")
    assert told("archive", "ls", year.archive, "--since", listed["cursor"]) == {
        "cursor": listed["cursor"],
        "frames": [],
    }
    of_june = told(
        "archive", "ls", year.archive, "--place", frame["places"][0], "--after", "2024-06-06", "--before", "2025-01-01"
    )
    assert [one["datetime"][:10] for one in of_june["frames"]] == ["2024-06-06", "2024-06-11", "2024-06-21"]
    assert told("archive", "ls", year.archive, "--place", "32631_2560_1_1")["frames"] == []
    assert len(told("archive", "ls", year.archive, "--before", "2024-06-06T10:00:00Z")["frames"]) == 1
    places = told("archive", "places", year.archive)
    assert {place["place"] for place in places} == set(frame["places"])
    assert places[0]["frames"] == len(VISITS) and places[0]["first"].startswith(VISITS[0][0])
    code, text, _ = run("archive", "ls", year.archive)
    assert code == 0 and len(text.splitlines()) == len(VISITS) + 1 and "2024-06-01 10:00" in text
    assert "sentinel-2-l2a" in run("archive", "places", year.archive)[1]


def test_a_history_is_built_shown_and_rebuilt(year: Year, tmp_path: Path) -> None:
    history = tmp_path / "history"
    first = told("history", "build", year.archive, "--history", history)
    assert first == {"added": len(VISITS), "left": {}, "looked": len(VISITS), "unchanged": 0, "waiting": 0}
    assert told("history", "build", year.archive, "--history", history)["looked"] == 0
    shown = told("history", "show", history)
    place = shown["places"][0]
    dates = told("history", "show", history, "--place", place)["dates"]
    assert [date["time"] for date in dates] == sorted(date["time"] for date in dates)
    assert len(dates) == len(VISITS) and dates[0]["grade"] == "measured" and dates[0]["octets"] > 1_000
    code, text, _ = run("history", "show", history, "--place", place)
    assert code == 0 and len(text.splitlines()) == len(VISITS) + 1 and "measured" in text
    assert place in run("history", "show", history)[1]
    done = told("history", "rebuild", year.archive, "--history", history)
    assert (done["equal"], done["changed"]) == (len(shown["places"]), [])
    assert told("history", "show", history, "--check") == shown


def test_a_check_finds_damage(year: Year, tmp_path: Path) -> None:
    history = tmp_path / "history"
    run("history", "build", year.archive, "--history", history, "--keep", "2")
    assert run("history", "show", history, "--check")[0] == 0
    chunk = next((history / "places").glob("*/*/samples/c/*/0/0/0"))
    chunk.write_bytes(chunk.read_bytes()[:-9])
    code, output, errors = run("history", "show", history, "--check", "--json")
    assert code == 1 and len(json.loads(output)["damaged"]) == 1
    assert "perigee-cluster history rebuild" in errors


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 64, "perigee-cluster --help explains it"),
        (("archive", "ls"), 64, "ARCHIVE"),
        (("archive", "ls", "nowhere"), 69, "perigee archive reindex"),
        (("archive", "ls", "nowhere", "--since", "x"), 64, "--since: cursor is 'x'"),
        (("archive", "ls", "nowhere", "--firmware", "/nowhere"), 78, "--firmware is /nowhere"),
        (("archive", "ls", "nowhere", "--after", "May"), 64, "'May' is no time"),
        (("archive", "ls", "nowhere", "--since", "1-00000001", "--place", "x"), 64, "--since goes by change"),
        (("history", "show", "nowhere"), 69, "perigee-cluster history build"),
        (("history", "build", "nowhere", "--history", "h", "--keep", "0"), 64, "must be 1 or more"),
        (("history", "build", "nowhere", "--history", "/dev/null/h"), 74, "/dev/null/h"),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(words: tuple[str, ...], code: int, text: str) -> None:
    found, output, errors = run(*words)
    assert (found, output) == (code, "")
    assert text in errors and errors.startswith("perigee-cluster: ") and errors.count("\n") == 1


def test_place_tricks_and_other_versions_are_refused(year: Year, tmp_path: Path) -> None:
    history = tmp_path / "history"
    history.mkdir()
    code, _, errors = run("history", "show", history, "--place", "../../etc")
    assert code == 64 and "place is '../../etc'" in errors
    folder = year.copy(tmp_path)
    change(folder, "PRAGMA user_version = 9")
    assert run("archive", "ls", folder)[0] == 65


def test_a_rebuild_without_all_archives_changes_nothing(year: Year, tmp_path: Path) -> None:
    history = tmp_path / "history"
    run("history", "build", year.archive, "--history", history)
    other = Path(shutil.copytree(year.archive, tmp_path / "other"))
    code, _, errors = run("history", "rebuild", other, "--history", history)
    assert code == 64 and "name all archives" in errors
    assert len(told("history", "show", history)["dates"]) >= len(VISITS)


def test_a_full_disk_ends_with_74_and_a_gone_reader_with_0(year: Year) -> None:
    with open("/dev/full", "w") as full:
        code, errors = run_apart("archive", "ls", year.archive, stdout=full.fileno())
    assert code == 74 and "make room" in errors
    reading, writing = os.pipe()
    os.close(reading)
    code, errors = run_apart("archive", "ls", year.archive, stdout=writing)
    os.close(writing)
    assert (code, errors) == (0, "")


@pytest.mark.parametrize("words", [("archive", "ls"), ("history", "build"), ("history", "show"), ("archive",), ()])
def test_help_has_examples_and_exit_codes(words: tuple[str, ...]) -> None:
    code, output, _ = run(*words, "--help")
    assert code == 0
    if len(words) == 2:
        assert f"  perigee-cluster {words[0]} {words[1]} " in output.split("examples")[1] and "  74  " in output


def test_a_codec_that_is_not_built_is_said(year: Year, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIGEE_LIBRARY", str(tmp_path / "libPerigeeC.so"))
    code, _, errors = run("archive", "ls", year.archive)
    assert code == 69 and "PERIGEE_LIBRARY" in errors


def test_firmware_lies_beside_the_package_where_nobody_names_it(year: Year, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERIGEE_HOME")
    assert {frame["state"] for frame in told("archive", "ls", year.archive)["frames"]} == {"ready"}

"""`perigee-cluster demo`, small: the real daemons and all that follows."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="group serve is not installed: make cluster GROUPS=serve")

from PIL import Image

from archives import need_programs
from perigee_cluster.cli import UNAVAILABLE, USAGE, main
from perigee_cluster.demo.daemons import DemoError
from perigee_cluster.demo.fly import fly
from perigee_cluster.demo.measured import RECEIVED, UNSEEN, opened
from perigee_cluster.demo.passes import LEAST, World, series
from perigee_cluster.demo.report import HEADER, table
from perigee_cluster.demo.sheet import draw


def test_a_year_goes_through_the_daemons_and_its_last_pass_is_rebuilt(tmp_path: Path) -> None:
    need_programs()
    passes = World(places=1, visits=7, size=96).make(tmp_path / "frames")
    told: list[str] = []
    answers = fly(passes, tmp_path, told.append, ratios=(1_000,))

    assert [one.sent for one in answers] == ["1,000x without memory", "1,000x with memory", "not observed"]
    alone, remembered, nobody = answers
    assert not alone.is_predicted and remembered.is_predicted
    last, unseen = passes.last[0], passes.unseen[0]
    sent = {scene.time for scenes in passes.sent for scene in scenes}
    year = {frame.time: frame.id for frame in opened(tmp_path / "year" / "archive").frames()}
    assert set(year) == sent and unseen.time not in sent and last.time not in sent
    for one in (alone, remembered):
        assert list(one.made) == [method.name for method in RECEIVED]
        assert one.octets > 0 and all(row.agreement == 1 for row in one.rows)
        assert set(one.made["regressed-1"].used) <= set(year.values()) and one.made["regressed-1"].used
        assert one.made["last clear frame"].used == (year[max(sent)],)
        psnr = {row.method: row.psnr for row in one.rows}
        assert psnr["regressed-1"] > psnr["deterministic"] - 0.1
    assert list(nobody.made) == [method.name for method in UNSEEN] and nobody.octets == 0
    assert np.isfinite([row.psnr for one in answers for row in one.rows]).all()

    lines = table(answers).splitlines()
    assert len(lines) == 1 + 2 * len(RECEIVED) + len(UNSEEN) and all(name in lines[0] for name in HEADER)
    draw(answers, tmp_path / "demo.png")
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.format == "PNG" and len(picture.getcolors(256) or []) > 16
    assert len(told) == len(passes.sent) + 1 + 2 + 1


def test_a_real_series_ends_at_its_last_clear_date_and_hides_one_inside(data: Path) -> None:
    passes = series(data / "worldcereal-timeseries-test")
    last, unseen = passes.last[0], passes.unseen[0]
    sent = [scene for scenes in passes.sent for scene in scenes]
    assert last.is_clear and unseen.is_clear and passes.places == ("wc-be2",)
    assert all(scene.time < last.time and scene.time != unseen.time for scene in sent)
    assert sent[0].time < unseen.time < sent[-1].time


def test_a_series_that_is_too_short_or_absent_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="no GeoTIFF"):
        series(tmp_path)
    for file in sorted((data / "worldcereal-timeseries-test").glob("*.tif"))[: LEAST - 1]:
        shutil.copy(file, tmp_path)
    with pytest.raises(DemoError, match=f"name a folder with {LEAST} or more"):
        series(tmp_path)


def test_bad_words_end_with_their_code_and_spoil_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need_programs()
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "thesis.txt").write_text("years of work")
    assert main(["demo", "-o", str(kept)]) == USAGE
    assert (kept / "thesis.txt").read_text() == "years of work"
    assert main(["demo", "--visits", "2"]) == USAGE
    assert main(["demo", "-o", str(tmp_path / "new"), "--series", str(tmp_path / "nowhere")]) == UNAVAILABLE
    monkeypatch.setenv("PERIGEE_PROGRAMS", str(tmp_path / "nowhere"))
    assert main(["demo", "-o", str(tmp_path / "new")]) == UNAVAILABLE
    told = capsys.readouterr().err
    assert "thesis" not in told and "name a new folder" in told and "`make build`" in told

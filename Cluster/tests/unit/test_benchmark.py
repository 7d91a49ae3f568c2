"""The benchmark's own arithmetic on hand-made cases, and that nothing reported was trained on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from perigee_cluster.data.splits import load_splits
from perigee_cluster.metrics.quality import measure
from rd import folds, library, plots, tables
from rd.basis import Basis
from rd.openjpeg import OpenJPEG
from rd.peers import ALL, PAYLOAD, Row
from rd.perigee import Perigee
from rd.provenance import write_between
from rd.search import Encoded, Peer, grid
from rd.subjects import RATIOS, dates_of_series, fold_subjects, is_seen, shipped_subjects
from rd.summary import below, compact, compare, falls, summarise
from speed.profile import stage_of, stage_outside
from speed.report import profile_table

ROOT = Path(__file__).resolve().parents[3]


def rows_of(codec: str, frame: str, psnr: list[float | None], place: str = "a", counting: str = PAYLOAD) -> list[Row]:
    """Rows at every ratio; None where it does not fit. The other metrics follow from the PSNR."""
    rows: list[Row] = []
    for ratio, value in zip(RATIOS, psnr, strict=True):
        row: Row = {"set": "folds", "place": place, "frame": frame, "codec": codec, "counting": counting}
        row |= {"ratio": ratio, "fits": value is not None, "budget": 100_000 // ratio, "native_ratio": ratio / 2}
        if value is not None:
            row |= {"octets": 90_000 // ratio, "psnr": value, "ssim": value / 100, "sam": 50 - value, "ndvi": 1 / value}
        rows.append(row)
    return rows


def two_frames() -> list[Row]:
    return (
        rows_of("perigee", "a_s0", [42.0, 38, 34, 31, 28])
        + rows_of("perigee", "a_s1", [40.0, 36, 33, 33.5, None])
        + rows_of("openjpeg-klt", "a_s0", [40.0, 37, 33.5, 31.5, None])
        + rows_of("openjpeg-klt", "a_s1", [39.0, 36.5, 32, 30, None])
    )


OURS, PEER = ("perigee", PAYLOAD), ("openjpeg-klt", PAYLOAD)


def test_differences_are_taken_frame_by_frame() -> None:
    found = compare(two_frames(), OURS, PEER, 300)
    assert found is not None
    assert (found.mean, found.least, found.most) == pytest.approx((0.25, -0.5, 1.0))
    assert (found.frames, found.of, found.below) == (2, 2, 1)
    assert found.sam == pytest.approx(-0.25)
    assert found.ssim == pytest.approx(0.0025)


def test_frames_that_do_not_fit_are_not_compared() -> None:
    rows = two_frames() + rows_of("perigee", "a_s2", [1.0, 1, 1, 1, 1]) + rows_of("openjpeg-klt", "a_s2", [None] * 5)
    found = compare(rows, OURS, PEER, 100)
    assert found is not None
    assert (found.frames, found.of, found.mean) == (2, 3, pytest.approx(1.5))
    assert compare(rows, OURS, PEER, 10000) is None
    assert compare(rows, OURS, PEER, 100, place="b") is None


def test_frames_below_the_peer_and_falls_are_counted() -> None:
    rows = two_frames()
    assert below(rows, "perigee", PAYLOAD) == 1
    assert falls(rows, "perigee", PAYLOAD) == ["a_s1 3000x to 1000x"]
    assert falls(rows_of("perigee", "f", [42.0, 38, 34, 34.005, None]), "perigee", PAYLOAD) == []


def test_rows_are_packed_without_loss() -> None:
    packed = compact(two_frames())
    assert len(packed) == 4
    assert packed[1]["psnr"] == [40.0, 36, 33, 33.5, None]
    assert packed[0]["budget"] == [1000, 333, 100, 33, 10]
    assert packed[3]["ndvi"][4] is None


def test_tables_say_what_does_not_fit() -> None:
    rows = two_frames()
    table = tables.means(rows, PAYLOAD)
    assert "| 41.00 / 0.410 / 9.00 / 0.0244 |" in table
    assert "28.00 / 0.280 / 22.00 / 0.0357 (fits 1 of 2)" in table
    assert table.rstrip().endswith("does not fit |") or "does not fit" in table.split("OpenJPEG, per-frame KLT")[1]
    gains = tables.gains(rows, PAYLOAD)
    assert "| PSNR, dB | +1.50 (+1.00 .. +2.00) | +0.25 (-0.50 .. +1.00) |" in gains
    assert "the peer does not fit" in gains
    assert "1 of the comparisons at 100x to 1,000x below the peer" in tables.notes(rows)
    assert tables.means(rows, ALL).count("\n") == 2


def test_figures_leave_out_ratios_at_which_not_all_fit() -> None:
    panel = plots.panel("a", two_frames())
    assert panel.curves["perigee"] == [(100, 41.0), (300, 37.0), (1000, 33.5), (3000, 32.25)]
    assert panel.curves["openjpeg"] == []
    assert plots.draw([panel]).count("<polyline") == 2 + len(plots.CURVES)


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x begin -->\nold\n<!-- x end -->\nb\n")
    write_between(page, "x", "new\n")
    assert page.read_text() == "a\n<!-- x begin -->\nnew\n<!-- x end -->\nb\n"
    with pytest.raises(ValueError, match="lacks <!-- y begin -->"):
        write_between(page, "y", "")


def test_missing_pixels_count_in_no_metric() -> None:
    original = np.full((2, 12, 12), 1000, np.uint16)
    decoded = original + 100.0
    decoded[:, 0, 0] = 60_000
    valid = np.ones((12, 12), bool)
    valid[0, 0] = False
    assert measure(original, decoded, 10000, 0, 1, valid).psnr == pytest.approx(40)
    assert measure(original, decoded, 10000, 0, 1).psnr < 26
    decoded[0, 1, 1] = 4000
    spoiled = measure(original, decoded, 10000, 0, 1, valid)
    assert spoiled.ndvi == pytest.approx((2900 / 5100) / 143)
    assert spoiled.sam == pytest.approx(np.degrees(np.arctan2(4000, 1100) - np.pi / 4) / 143)


class Rounding:
    """A coder whose octets and error are known: it keeps multiples of 2^-quality and takes 10 octets a quality step."""

    qualities = (0.0, 16.0)
    enough = 1e-3
    version = "1"
    components = {100: (2,)}  # noqa: RUF012

    def encode(self, planes: np.ndarray, quality: float) -> Encoded:
        step = 2.0 ** (12 - quality)
        return Encoded([(np.round(planes / step) * step).tobytes()], int(100 * quality), 60, quality)

    def decode(self, encoded: Encoded, shape: tuple[int, ...]) -> np.ndarray:
        return np.frombuffer(encoded.streams[0]).reshape(shape).copy()


def test_the_peer_fills_its_budget_and_pays_for_its_basis() -> None:
    frame = np.random.default_rng(1).normal(1000, 300, (3, 16, 16))
    peer = Peer(Rounding(), frame, Basis.identity(3))
    choices = [(3, 1)]
    found = peer.best(1000, choices, {3: 0}, omit_headers=False)
    assert found is not None
    assert 997 <= found.octets <= 1000
    paid = peer.best(1000, choices, {3: 15}, omit_headers=False)
    assert paid is not None
    assert 994 <= paid.octets <= 1000
    assert np.abs(paid.reconstruction - frame).max() >= np.abs(found.reconstruction - frame).max()
    without = peer.best(1000, choices, {3: 0}, omit_headers=True)
    assert without is not None
    assert np.abs(without.reconstruction - frame).max() < np.abs(found.reconstruction - frame).max()
    assert peer.best(19, choices, {3: 0}, omit_headers=False) is None


def test_the_choices_are_the_tuned_ones_or_all() -> None:
    assert grid(OpenJPEG, 264 * 264 * 12, 300, 12, all_bands=False) == [(5, 1), (5, 2), (8, 1), (8, 2)]
    assert grid(OpenJPEG, 264 * 264 * 12, 100, 12, all_bands=True) == [(12, 1)]
    assert {count for count, _ in grid(OpenJPEG, 64 * 64 * 4, 300, 4, all_bands=False)} == {1, 2, 3, 4}


def test_bases_are_orthonormal_and_strongest_first() -> None:
    frame = np.random.default_rng(2).normal(size=(2, 40, 40)) * np.array([1, 20])[:, None, None]
    mixed = np.einsum("bk,krc->brc", np.array([[3.0, 4], [-4, 3], [0, 0]]) / 5, frame) + 500
    for basis in (Basis.of_frame(mixed), Basis.of_corpus([mixed, mixed])):
        assert basis.rows @ basis.rows.T == pytest.approx(np.eye(3), abs=1e-9)
        assert np.abs(basis.rows[0]) == pytest.approx([0.8, 0.6, 0], abs=0.02)
        assert basis.inverse(basis.forward(mixed)) == pytest.approx(mixed)
    with pytest.raises(ValueError, match="no training frame"):
        Basis.of_corpus([])


def test_native_ratio_counts_each_band_at_its_own_distance(data: Path) -> None:
    by_set = {subject.set_name: subject.native_share for subject in shipped_subjects()}
    assert fold_subjects()[0].native_share == pytest.approx(12 / (4 + 6 / 4 + 2 / 36))
    assert by_set["dolomites"] == by_set["hls"] == 1
    assert by_set["wc-be2"] == pytest.approx(10 / 5.5)


def test_series_is_sampled_by_cloud() -> None:
    def entry(day: int, cloud: float) -> dict[str, object]:
        return {"file": f"w/wc-be2_201801{day:02}.tif", "place": "wc-be2", "kind": "frame", "cloud_fraction": cloud}

    files = [entry(day, 0.0 if day < 8 else 0.1) for day in range(1, 15)]
    assert [Path(f).stem[-2:] for f in dates_of_series(files)] == ["01", "07", "08", "14"]


def test_stages_of_a_profile() -> None:
    path = "/x/Sources/PerigeeCodec"
    assert stage_of([("push", "/usr/lib/swift/Array.swift:1"), ("f", f"{path}/Entropy/A.swift:3")]) == "coding"
    assert stage_of([("perigee_lift_forward_avx2", "/x/Sources/CPerigeeKernels/strict_body.h:9")]) == "wavelet"
    assert stage_of([("??", "??:0")]) == "other"
    assert stage_outside("libopenblasp-r0.3.21.so") == "spectral"
    assert stage_outside("libpython3.11.so.1.0") == ""


def test_profiles_become_percent() -> None:
    shares = {"encode 100": {"coding": 0.652, "mask": 0.348}, "decode 1000": {"coding": 1.0}}
    table = profile_table(shares)
    assert "| encode, 100x | 65 | 35 |" in table
    assert "| decode, 1,000x | 100 | 0 |" in table
    assert "not measured" in profile_table({})


def test_folds_learn_from_everything_but_their_place(data: Path) -> None:
    splits = load_splits()
    for place in folds.PLACES:
        files = [frame.file for frame in folds.frames_without(place, data)]
        others = {f"ssl4eos12-{other}" for other in folds.PLACES if other != place}
        named = {folds.place_of(file) for file in files}
        assert others <= named
        assert all(splits.role(name) == "train" for name in named - others)
        assert not any(is_seen(subject, files) for subject in fold_subjects((place,)))
        assert not any(place in file for file in files)


def test_a_bundle_that_has_seen_its_place_is_refused(tmp_path: Path) -> None:
    files = {"terracodec-ssl4eos12/ssl4eos12-0173706_s2.tif": "", "eurosat-ms/es-forest-01_nodate.tif": ""}
    (tmp_path / "manifest.json").write_text(json.dumps({"training": {"frames": files}}))
    folds.check(tmp_path, "0193833")
    with pytest.raises(ValueError, match="0173706_s2"):
        folds.check(tmp_path, "0173706")


def test_library_and_program_write_the_same_tokens(data: Path, tmp_path: Path) -> None:
    bundle = ROOT / "Firmware" / "perigee-1"
    program = Perigee(bundle, tmp_path)
    if not program.binary.is_file():
        pytest.skip(f"no {program.binary}: run `swift build -c release`")
    subject = fold_subjects(("0121563",))[0]
    budget = subject.budget(1000)
    file = program.encode(subject.path, subject.sensor, budget)
    assert file is not None
    assert budget * 0.97 <= file.stat().st_size <= budget
    command = [str(program.binary), "info", str(file), "--json", "--firmware", str(bundle)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    tokens = file.read_bytes()[: -told["octets"]["file checksum"]][-told["token_bytes"] :]
    sizes = [layer["bytes"] for layer in told["layers"]]
    stream = library.stream_of(subject, bundle)
    layers = stream.encode(subject.samples, np.cumsum(sizes).tolist())
    assert b"".join(layers) == tokens
    seen = program.round_trip(subject.path, subject.sensor, budget)
    assert seen is not None
    assert np.array_equal(seen.reconstruction, stream.decode(layers))
    assert program.encode(subject.path, subject.sensor, 20) is None


def test_only_test_places_are_measured_with_the_shipped_bundle(data: Path) -> None:
    splits = load_splits()
    subjects = shipped_subjects()
    assert {splits.role(folds.place_of(subject.file)) for subject in subjects} == {"test"}
    measured = {folds.place_of(subject.file) for subject in subjects}
    assert splits.test - measured == {"ssl4eos12-0173706", "ssl4eos12-0193833"}
    trained = folds.training_files(ROOT / "Firmware" / "perigee-1")
    assert not any(is_seen(subject, trained) for subject in subjects)


def test_no_reported_frame_is_in_its_models_training_list() -> None:
    report = json.loads((ROOT / "Benchmarks" / "results" / "rd.json").read_text())
    shipped = folds.training_files(ROOT / "Firmware" / "perigee-1")
    assert report["frames"]
    for row in report["frames"]:
        trained = report["fold_training_files"][row["place"]] if row["set"] == "folds" else shipped
        assert len(trained) > 50
        assert folds.place_of(row["frame"] + ".tif") not in {folds.place_of(file) for file in trained}, row["frame"]


def test_the_summary_can_be_written_as_json() -> None:
    report = summarise(two_frames(), ("perigee",))
    assert json.loads(json.dumps(report)) == report
    assert report["folds"]["below_reference_peer"]["perigee payload"] == 1

"""Products of frames that the real gateway filed: files, items, versions, quota, full disks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rasterio", reason="group serve is not installed: make cluster GROUPS=serve")

import pystac
import rasterio
from pystac.extensions.projection import ProjectionExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.io import MemoryFile

from archives import Year, change, opened
from perigee_cluster.data.frames import read_frame
from perigee_cluster.data.grid import Grid
from perigee_cluster.history.build import build
from perigee_cluster.history.store import History
from perigee_cluster.products import RECONSTRUCTED, Name, QuotaError, Shelf, make
from perigee_cluster.products.footprint import bbox, footprint
from perigee_cluster.products.product import ranges
from perigee_cluster.products.raster import Look, cog

METHODS = ("deterministic", RECONSTRUCTED)


@pytest.fixture(scope="module")
def past(year: Year, tmp_path_factory: pytest.TempPathFactory) -> History:
    """The history of the year."""
    history = History(tmp_path_factory.mktemp("history"))
    build(opened(year.archive), history)
    return history


def test_the_deterministic_product_is_what_the_renderer_writes(year: Year, past: History, tmp_path: Path) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path)
    for frame in archive.frames():
        row = shelf.put(make(archive, past, frame, "deterministic"))
        rendered = year.products[frame.epoch.hex(), frame.number]
        with rasterio.open(shelf.asset(row, "reconstruction")) as ours, rasterio.open(rendered) as theirs:
            assert np.array_equal(ours.read(), theirs.read())
            assert (ours.crs, ours.transform, ours.nodata) == (theirs.crs, theirs.transform, theirs.nodata)
            assert (ours.scales, ours.offsets, ours.descriptions) == (
                theirs.scales,
                theirs.offsets,
                theirs.descriptions,
            )
            assert ours.profile["driver"] == "GTiff" and ours.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        mine, its = shelf.item(row), json.loads(rendered.with_suffix(".json").read_text())
        assert mine["id"] == its["id"] and mine["properties"]["perigee:grade"] == "measured"
        for name in (
            "datetime",
            "proj:code",
            "proj:shape",
            "proj:transform",
            "gsd",
            "perigee:firmware",
            "perigee:layers",
        ):
            assert mine["properties"][name] == its["properties"][name], name
        assert mine["bbox"] == pytest.approx(its["bbox"], abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_an_item_says_what_the_product_rests_on(year: Year, past: History, tmp_path: Path, method: str) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path)
    frame = list(archive.frames())[-1]
    product = make(archive, past, frame, method)
    row = shelf.put(product)
    found = shelf.item(row)
    JsonSchemaSTACValidator().validate_core(found, pystac.STACObjectType.ITEM, "1.1.0")
    assert ProjectionExtension.ext(pystac.Item.from_dict(found)).code == frame.grid.crs
    fields = found["properties"]
    assert row.collection == method
    assert fields["perigee:packet_ids"] == ranges(frame.packet_ids) and fields["perigee:packet_bytes"] == frame.octets
    assert fields["perigee:agreement"]["share"] == product.made.agreement.share
    assert {one["id"] for one in fields["perigee:history"]} == set(product.made.used)
    assert frame.id not in {one["id"] for one in fields["perigee:history"]}
    with rasterio.open(shelf.asset(row, "deviation")) as deviation, rasterio.open(shelf.asset(row, "flags")) as flags:
        assert deviation.dtypes[0] == "float32" and deviation.shape == flags.shape == product.made.flags_HW.shape
        assert np.array_equal(flags.read(1), product.made.flags_HW)


def test_the_same_packets_and_history_give_the_same_octets(year: Year, past: History, tmp_path: Path) -> None:
    archive = opened(year.archive)
    frame = list(archive.frames())[-1]
    folders = []
    for name in ("one", "two"):
        shelf = Shelf(tmp_path / name)
        shelf.put(make(opened(year.archive), past, frame, RECONSTRUCTED))
        folders.append({p.relative_to(shelf.folder): p.read_bytes() for p in shelf.folder.glob("*/*/*/*")})
    assert folders[0] == folders[1] and len(folders[0]) == 4


def test_a_method_leaves_the_products_of_others_alone(year: Year, past: History, tmp_path: Path) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path)
    frame = list(archive.frames())[-1]
    first = shelf.put(make(archive, past, frame, "deterministic"))
    before = {kind: shelf.asset(first, kind).read_bytes() for kind in ("reconstruction", "deviation", "flags")}
    second = shelf.put(make(archive, past, frame, RECONSTRUCTED))
    assert (shelf.folder / first.path).parent == (shelf.folder / second.path).parent
    assert {kind: shelf.asset(first, kind).read_bytes() for kind in before} == before
    assert len(shelf.catalog.rows()) == 2


def test_more_packets_replace_a_product_of_fewer(year: Year, past: History, tmp_path: Path) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path / "products")
    frame = next(archive.frames())
    less = year.copy(tmp_path)
    change(less, "DELETE FROM packets WHERE kind < 2 AND part > 0 AND frame = ?", frame.row.frame)
    coarse = shelf.put(make(opened(less), past, next(opened(less).frames()), "deterministic"))
    fine = shelf.put(make(archive, past, frame, "deterministic"))
    assert fine.version != coarse.version and fine.path == coarse.path
    assert len(list((shelf.folder / fine.path).parent.iterdir())) == 4
    with rasterio.open(shelf.asset(fine, "reconstruction")) as file:
        assert np.array_equal(file.read(), read_frame(year.products[frame.epoch.hex(), frame.number]).samples)


def test_fewer_layers_make_a_product_of_their_own(year: Year, past: History, tmp_path: Path) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path)
    frame = next(archive.frames())
    whole = shelf.put(make(archive, past, frame, "deterministic"))
    part = shelf.put(make(archive, past, frame, "deterministic", layers=2))
    assert part.item == whole.item + "_layers2" and shelf.item(part)["properties"]["perigee:layer_limit"] == 2
    assert (
        shelf.item(part)["properties"]["perigee:packet_bytes"] < shelf.item(whole)["properties"]["perigee:packet_bytes"]
    )
    with rasterio.open(shelf.asset(part, "reconstruction")) as file:
        assert np.array_equal(file.read(), archive.tokens(frame, 2).decode())
    assert shelf.put(make(archive, past, frame, "deterministic", layers=15)).item == whole.item


def test_the_catalog_is_listed_again_from_the_items(year: Year, past: History, tmp_path: Path) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path)
    for frame in archive.frames():
        shelf.put(make(archive, past, frame, "deterministic"))
    rows = shelf.catalog.rows()
    for path in tmp_path.glob("catalog.sqlite*"):
        path.unlink()
    broken = tmp_path / "a" / "b" / "c" / "deterministic.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    again = Shelf(tmp_path).catalog.rows()
    assert [(r.item, r.version, r.octets, r.time) for r in again] == [
        (r.item, r.version, r.octets, r.time) for r in rows
    ]


def test_the_quota_takes_the_oldest_and_refuses_what_never_fits(year: Year, past: History, tmp_path: Path) -> None:
    archive = opened(year.archive)
    frames = list(archive.frames())
    largest = max(Shelf(tmp_path / "size").put(make(archive, past, one, "deterministic")).octets for one in frames)
    shelf = Shelf(tmp_path / "products", quota=largest * 2 + largest // 2)
    for frame in frames:
        shelf.put(make(archive, past, frame, "deterministic"))
        assert shelf.catalog.octets() <= shelf.quota
    kept = {row.item for row in shelf.catalog.rows()}
    assert make(archive, past, frames[-1], "deterministic").name.item in kept and len(kept) < len(frames)
    on_disk = sum(path.stat().st_size for path in shelf.folder.glob("*/*/*/*"))
    assert on_disk == shelf.catalog.octets()
    with pytest.raises(QuotaError, match="raise it"):
        Shelf(tmp_path / "small", quota=1_000).put(make(archive, past, frames[0], "deterministic"))
    assert not list((tmp_path / "small").glob("*/*/*/*"))


def test_retention_takes_what_is_older(year: Year, past: History, tmp_path: Path) -> None:
    archive, shelf = opened(year.archive), Shelf(tmp_path, keep_days=10)
    first, second = list(archive.frames())[:2]
    row = shelf.put(make(archive, past, first, "deterministic"))
    with shelf.catalog.session() as session:
        session.execute("UPDATE products SET created = created - 864000001 WHERE id = ?", (row.id,))
    kept = shelf.put(make(archive, past, second, "deterministic"))
    assert [one.item for one in shelf.catalog.rows()] == [kept.item]
    assert not (tmp_path / row.path).parent.exists()


FULL = """
import os, sys
from pathlib import Path
sys.path[:0] = {path}
from archives import opened
from perigee_cluster.history.store import History
from perigee_cluster.products import NoRoomError, Shelf, make
archive, folder = opened(Path({archive!r})), Path({folder!r})
frames = list(archive.frames())
shelf = Shelf(folder)
shelf.put(make(archive, History(folder / "none"), frames[0], "deterministic", layers=1))
before = {{p: p.read_bytes() for p in folder.glob("*/*/*/*")}}
room = os.statvfs(folder)
(folder / "ballast").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 24_576))
try:
    shelf.put(make(archive, History(folder / "none"), frames[0], "deterministic"))
except NoRoomError as error:
    assert "quota_bytes" in str(error), error
else:
    sys.exit("the disk was not full")
assert {{p: p.read_bytes() for p in folder.glob("*/*/*/*")}} == before
assert not list(folder.glob("*/*/*/.*"))
(folder / "ballast").unlink()
shelf.put(make(archive, History(folder / "none"), frames[0], "deterministic"))
"""


def test_a_full_disk_leaves_the_older_product_and_nothing_else(year: Year, tmp_path: Path) -> None:
    """On a small file system of its own, in name spaces of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    script = FULL.format(path=[p for p in sys.path if p], archive=str(year.archive), folder=str(folder))
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=640k none "{folder}" && exec "$@"', "sh"]
    done = subprocess.run([*mount, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mounts in a user name space here: {done.stderr.strip()[:80]}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("method", ["", "../up", "A", "a/b", "x" * 49, ".hidden"])
def test_a_method_that_is_no_name_of_a_file_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method is"):
        Name("alpha", "0" * 32, 1, None, "sentinel-2-l2a", method)


def test_a_name_has_nothing_of_a_senders_text() -> None:
    name = Name("../../Etc/PASSWD", "0" * 32, 1, None, "sentinel-2-l2a", "deterministic")
    assert str(name.folder) == f"------etc-passwd/{'0' * 32}/undated_000000000001"


def test_an_outline_across_the_antimeridian_is_cut() -> None:
    grid = Grid("EPSG:32660", (1_000.0, 0.0, 780_000.0, 0.0, -1_000.0, 1_000_000.0), 100, 100)
    geometry = footprint(grid)
    assert geometry["type"] == "MultiPolygon"
    west, _, east, _ = bbox(geometry)
    assert west > 170 and east < -170
    assert footprint(Grid("EPSG:32799", grid.transform, 100, 100)) is None


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 700), (2, 600, 5)])
def test_odd_shapes_and_missing_samples_survive_the_file(shape: tuple[int, int, int]) -> None:
    samples = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    samples[0, 0, 0] = np.nan
    octets = cog(samples, Look([f"b{n}" for n in range(shape[0])], None, nodata=float("nan"), scale=0.5))
    with MemoryFile(octets) as memory, memory.open() as file:
        assert np.array_equal(file.read(), samples, equal_nan=True) and file.scales == (0.5,) * shape[0]

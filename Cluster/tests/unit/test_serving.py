"""The service over products of an archive that the real daemons filed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("titiler.core", reason="group serve is not installed: make cluster GROUPS=serve")

import httpx
import pystac
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from archives import FIRMWARE, ROOT, VISITS, Year, opened, perigee
from faults.daemons import wait_for
from perigee_cluster.data.frames import read_frame
from perigee_cluster.following import Follower, Setup
from perigee_cluster.products import RECONSTRUCTED
from perigee_cluster.serving import Limits, create_app
from perigee_cluster.serving.access import TokenError, read_token
from perigee_cluster.serving.jobs import Job, Jobs, QueueFullError

TOKEN = "a-token-of-the-tests-alone"


@pytest.fixture(scope="module")
def setup(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """Products of the year: all decodes, and the reconstruction of the last date."""
    folder = tmp_path_factory.mktemp("served")
    made = Setup(year.archive, tuple(FIRMWARE), folder / "history", folder / "products", methods=("deterministic",))
    follower = Follower(made)
    while follower.step() is not None:
        pass
    follower.reprocess(RECONSTRUCTED, max(frame.time for frame in opened(year.archive).frames()))
    while follower.step() is not None:
        pass
    return made


@pytest.fixture(scope="module")
def client(setup: Setup) -> Iterator[TestClient]:
    """The application with small limits, without a token."""
    with TestClient(create_app(setup, Limits(pixels=1_048_576, queue=2))) as client:
        yield client


def items(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    return client.get("/stac/search", params=query).json()["features"]


def finished(client: TestClient, answer: httpx.Response) -> dict[str, Any]:
    """What a request ends in, also where it became a job."""
    if answer.status_code != 202:
        return answer.json()
    job = answer.json()["id"]
    wait_for("the job", lambda: client.get(f"/jobs/{job}").json()["state"] not in ("queued", "running"), 120, ())
    return client.get(f"/jobs/{job}").json()


def test_the_stac_api_lists_what_is_filed(client: TestClient) -> None:
    landing = client.get("/stac").json()
    assert {link["rel"] for link in landing["links"]} >= {
        "self",
        "root",
        "data",
        "conformance",
        "search",
        "service-desc",
    }
    assert client.get("/stac/conformance").json()["conformsTo"] == landing["conformsTo"]
    names = [one["id"] for one in client.get("/stac/collections").json()["collections"]]
    assert names == ["deterministic", RECONSTRUCTED]
    for path, kind in (("", "CATALOG"), ("/collections/deterministic", "COLLECTION")):
        told = client.get(f"/stac{path}").json()
        JsonSchemaSTACValidator().validate_core(told, pystac.STACObjectType[kind], "1.1.0")
    found = client.get("/stac/collections/deterministic/items").json()
    assert found["numberMatched"] == found["numberReturned"] == len(VISITS)
    for feature in found["features"]:
        JsonSchemaSTACValidator().validate_core(feature, pystac.STACObjectType.ITEM, "1.1.0")
        link = next(link["href"] for link in feature["links"] if link["rel"] == "self")
        assert client.get(link).json() == feature


def test_a_search_takes_box_time_ids_and_place(client: TestClient) -> None:
    everything = items(client, collections="deterministic")
    box = everything[0]["bbox"]
    assert len(items(client, bbox=",".join(map(str, box)), collections="deterministic")) == len(VISITS)
    assert items(client, bbox=f"{box[2] + 1},{box[1]},{box[2] + 2},{box[3]}") == []
    assert items(client, bbox=f"{box[0] + 1},{box[1]},{box[0] - 1},{box[3]}", collections=RECONSTRUCTED) == []
    one = items(client, datetime="2024-06-06T10:00:00Z")
    assert len(one) == 1 and one[0]["properties"]["datetime"] == "2024-06-06T10:00:00Z"
    assert len(items(client, datetime="2024-06-02T00:00:00Z/..", collections="deterministic")) == len(VISITS) - 1
    assert [f["id"] for f in items(client, ids=one[0]["id"])] == [one[0]["id"]]
    posted = client.post("/stac/search", json={"ids": [one[0]["id"]], "collections": ["deterministic"]})
    assert posted.json()["features"] == one


def test_a_search_goes_on_page_by_page(client: TestClient) -> None:
    seen, url = [], "/stac/search?limit=2"
    while url:
        page = client.get(url).json()
        seen += [(feature["collection"], feature["id"]) for feature in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert len(seen) == len(set(seen)) == len(VISITS) + 1


@pytest.mark.parametrize(
    ("path", "code", "word"),
    [
        ("/stac/search?bbox=1,2,3", 400, "bbox"),
        ("/stac/search?bbox=a,b,c,d", 400, "bbox"),
        ("/stac/search?bbox=0,9,1,2", 400, "bbox"),
        ("/stac/search?bbox=nan,0,1,2", 400, "bbox"),
        ("/stac/search?datetime=yesterday", 400, "datetime"),
        ("/stac/search?datetime=../..", 400, "datetime"),
        ("/stac/search?limit=0", 400, "limit"),
        ("/stac/search?intersects=x", 400, "intersects"),
        ("/stac/collections/none", 404, "collection"),
        ("/stac/collections/..%2F..%2Fetc/items/passwd", 404, ""),
        ("/stac/collections/deterministic/items/..%2F..%2Fcatalog.sqlite", 404, ""),
        ("/stac/collections/deterministic/items/%2e%2e", 404, ""),
        ("/products/deterministic/..%2f..%2fcatalog/reconstruction.tif", 404, ""),
        ("/places/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/places/32631_2560_1_1'--", 400, "place"),
        ("/places/32631_2560_1_1", 404, "place"),
        ("/wants/..%2findex", 404, ""),
        ("/wants/zzzzzzzz", 404, "want"),
        ("/jobs/none", 404, "job"),
        ("/nothing", 404, ""),
    ],
)
def test_what_means_nothing_is_refused_by_name(client: TestClient, path: str, code: int, word: str) -> None:
    answer = client.get(path)
    assert answer.status_code == code, answer.text
    assert word in answer.text and "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("mode=magic", "mode"),
        (f"mode=deterministic&method={RECONSTRUCTED}", "method"),
        ("method=../x", "method"),
        ("layers=0", "layers"),
        ("layers=99", "layers"),
    ],
)
def test_a_request_for_a_date_names_what_is_wrong(client: TestClient, query: str, word: str) -> None:
    place = client.get("/places").json()["places"][0]["place"]
    answer = client.get(f"/places/{place}/2024-06-06?{query}")
    assert answer.status_code == 400 and word in answer.json()["error"]


def test_a_place_and_date_give_the_product(client: TestClient, year: Year, setup: Setup) -> None:
    places = client.get("/places").json()["places"]
    assert places and all(place["dates"] == len(VISITS) for place in places)
    place = places[0]["place"]
    dates = client.get(f"/places/{place}").json()["dates"]
    assert [date["datetime"][:10] for date in dates] == [start for start, _ in VISITS]
    for mode in ("deterministic", "reconstruction", "deviation"):
        found = finished(client, client.get(f"/places/{place}/{VISITS[-1][0]}", params={"mode": mode}))
        assert found["state"] == "done"
        assert found["item"]["collection"] == ("deterministic" if mode == "deterministic" else RECONSTRUCTED)
        octets = client.get(found["asset"]).content
        with MemoryFile(octets) as memory, memory.open() as file:
            assert file.count == len(found["item"]["assets"]["reconstruction"]["bands"])
    decode = client.get(f"/places/{place}/{VISITS[0][0]}T10:00:00Z?mode=deterministic").json()
    frame = next(opened(year.archive).frames())
    with MemoryFile(client.get(decode["asset"]).content) as memory, memory.open() as file:
        assert (file.read() == read_frame(year.products[frame.epoch.hex(), frame.number]).samples).all()
    missing = client.get(f"/places/{place}/2024-06-13?mode=deterministic")
    assert missing.status_code == 404 and "2024-06-11" in missing.text and "2024-06-21" in missing.text


def test_a_date_that_nobody_observed_is_drawn_and_says_so(client: TestClient) -> None:
    place = client.get("/places").json()["places"][0]["place"]
    path = f"/places/{place}/2024-06-13"
    done = finished(client, client.get(path))
    assert done["state"] == "done", done
    fields = done["item"]["properties"]
    assert fields["datetime"] == "2024-06-13T00:00:00Z" and fields["perigee:grade"] == "drawn"
    assert fields["perigee:observed"] is False and fields["perigee:packets"] == 0 and fields["perigee:ratio"] is None
    assert len(fields["perigee:history"]) >= 2 and fields["perigee:method"] == "smoothed"
    JsonSchemaSTACValidator().validate_core(done["item"], pystac.STACObjectType.ITEM, "1.1.0")
    with MemoryFile(client.get(done["item"]["assets"]["flags"]["href"]).content) as memory, memory.open() as file:
        assert set(file.read().ravel()) <= {16, 32}
    assert client.get(path).status_code == 200
    later = finished(client, client.get(f"/places/{place}/2026-01-01"))
    assert later["item"]["properties"]["perigee:method"] == "forecast"
    # it is no frame: a search does not find it, and no method makes it of packets
    assert items(client, ids=done["item"]["id"]) == []
    assert client.get(f"{path}?layers=2").status_code == 404
    assert client.post(f"{path}/refine").status_code == 404


def test_what_is_not_made_yet_is_a_job_and_then_filed(client: TestClient) -> None:
    place = client.get("/places").json()["places"][0]["place"]
    path = f"/places/{place}/{VISITS[1][0]}"
    first = client.get(path)
    assert first.status_code == 202 and first.headers["location"].endswith(first.json()["id"])
    done = finished(client, first)
    assert done["state"] == "done" and done["progress"] == 1 and done["item"]["collection"] == RECONSTRUCTED
    again = client.get(path)
    assert again.status_code == 200 and again.json()["item"] == done["item"]


def test_fewer_layers_come_from_the_cache_the_second_time(client: TestClient, setup: Setup) -> None:
    place = client.get("/places").json()["places"][0]["place"]
    path = f"/places/{place}/{VISITS[0][0]}?mode=deterministic&layers=2"
    done = finished(client, client.get(path))
    assert done["item"]["properties"]["perigee:layers"] == 2
    again = client.get(path)
    assert again.status_code == 200 and again.json()["item"] == done["item"]
    assert client.get(path.replace("layers=2", "layers=15")).json()["item"]["properties"]["perigee:layers"] == 5
    # what was asked for is nobody's standing product
    assert len(items(client, collections="deterministic")) == len(VISITS)


def test_pictures_have_a_limit(client: TestClient) -> None:
    item = items(client, collections=RECONSTRUCTED)[0]
    base = f"/tiles/{RECONSTRUCTED}/{item['id']}"
    for asset in ("reconstruction", "deviation", "flags"):
        picture = client.get(f"{base}/{asset}/preview.png?bidx=1&max_size=64")
        assert picture.status_code == 200 and picture.content.startswith(b"\x89PNG")
    told = client.get(f"{base}/reconstruction/WebMercatorQuad/tilejson.json?bidx=1").json()
    assert told["bounds"] == pytest.approx(item["bbox"], abs=0.01)
    for path in ("preview.png?max_size=4096", "preview/2048x2048.png", "preview.png?width=9999&height=9999"):
        answer = client.get(f"{base}/reconstruction/{path}")
        assert answer.status_code == 400 and "pixels" in answer.text, path
    for path in ("preview.png?max_size=-1", "preview.png?max_size=99999999999999999999"):
        assert client.get(f"{base}/reconstruction/{path}").status_code == 400
    assert client.get(f"{base}/catalog/preview.png").status_code == 400
    assert client.get(f"{base}/reconstruction/preview.png?bidx=99").status_code == 400
    # what titiler also offers is not there
    assert client.get(f"{base}/reconstruction/WebMercatorQuad/map.html").status_code == 404
    assert client.get(f"{base}/reconstruction/statistics").status_code == 404


def test_refine_leaves_a_want_that_the_gateways_tool_reads(client: TestClient, setup: Setup) -> None:
    place = client.get("/places").json()["places"][0]["place"]
    left = client.post(f"/places/{place}/{VISITS[0][0]}/refine?layers=9")
    assert left.status_code == 202 and left.json()["state"] == "open"
    want = left.json()["want"]
    assert client.post(f"/places/{place}/{VISITS[0][0]}/refine?layers=7").json()["want"] == want
    assert client.get(f"/wants/{want}").json()["layers"] == 9
    told = perigee("archive", "wants", "--json", str(setup.archive))
    assert want in told and '"open"' in told


def test_health_and_metrics(client: TestClient, setup: Setup) -> None:
    assert client.get("/livez").text == client.get("/readyz").text == "ok\n"
    text = client.get("/metrics").text
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1
    assert 'perigee_cluster_products_total{method="deterministic"} 5' in text
    assert 'perigee_cluster_jobs{state="queued"} 0' in text


def test_every_answer_tells_the_browser_what_it_may(client: TestClient) -> None:
    for path in ("/", "/page.js", "/stac", "/nothing", "/metrics"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_token_opens_data_and_nothing_else_does(setup: Setup) -> None:
    with TestClient(create_app(setup, token=TOKEN, hosts=["testserver"])) as client:
        assert client.get("/").status_code == client.get("/livez").status_code == 200
        for path in (
            "/stac",
            "/places",
            "/metrics",
            "/openapi.json",
            "/products/a/b/c.tif",
            "/nothing",
        ):
            assert client.get(path).status_code == 401, path
            for word in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}x", "Bearer \u00e9".encode()):
                assert client.get(path, headers={"Authorization": word}).status_code == 401
        assert client.get("/places", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/places", headers={"Host": "evil.example"}).status_code == 421


def test_a_body_or_query_that_is_too_long_is_refused(client: TestClient) -> None:
    assert client.post("/stac/search", content=b"x" * 70_000).status_code == 413
    assert client.get("/stac/search?ids=" + "x" * 5_000).status_code == 414
    assert client.post("/stac/search", json={"no": 1}).status_code == 422


@pytest.mark.parametrize("text", ["", "short", "two words of a token that is long"])
def test_a_token_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(TokenError, match="at least 16"):
        read_token(path)
    path.write_text(TOKEN)
    assert read_token(path) == TOKEN
    path.chmod(0o604)
    with pytest.raises(TokenError, match="chmod"):
        read_token(path)


def test_the_queue_is_bounded_and_jobs_end_when_asked() -> None:
    gate, begun = threading.Event(), threading.Event()

    def held(job: Job) -> str:
        begun.set()
        gate.wait(60)
        job.reach("on", 0.5)
        return "made"

    jobs = Jobs(workers=1, limit=2)
    running = jobs.submit("a", held)
    begun.wait(60)
    waiting, cancelled = jobs.submit("b", held), jobs.submit("c", held)
    assert jobs.submit("b", held) is waiting and jobs.submit("a", held) is running
    with pytest.raises(QueueFullError, match="2 jobs wait"):
        jobs.submit("d", held)
    jobs.cancel(cancelled)
    jobs.cancel(running)
    assert cancelled.state == "cancelled" and running.state == "running"
    gate.set()
    assert waiting.ended.wait(60) and waiting.result == "made"
    assert running.state == "cancelled" and cancelled.result is None
    failing: Callable[[Job], None] = lambda job: 1 / 0  # noqa: E731
    failed = jobs.submit("e", failing)
    assert failed.ended.wait(60) and failed.state == "failed" and "ZeroDivisionError" in failed.error
    jobs.close()
    assert jobs.count()["done"] == 1


def test_a_full_queue_is_429(setup: Setup) -> None:
    app = create_app(setup, Limits(queue=1))
    jobs, gate, begun = app.state.service.jobs, threading.Event(), threading.Event()

    def held(_: Job) -> None:
        begun.set()
        gate.wait(60)

    with TestClient(app) as client:
        jobs.submit("held", held)
        begun.wait(60)
        jobs.submit("next", held)
        place = client.get("/places").json()["places"][0]["place"]
        answer = client.get(f"/places/{place}/{VISITS[2][0]}")
        assert answer.status_code == 429 and answer.headers["retry-after"]
        gate.set()


def command(setup: Setup, *words: str) -> list[str]:
    folders = ["--history", str(setup.history), "--products", str(setup.products), "--firmware", str(FIRMWARE[0])]
    return [sys.executable, "-m", "perigee_cluster", "serve", str(setup.archive), *folders, *words]


def test_the_command_serves_until_it_is_ended(setup: Setup) -> None:
    words = command(setup, "--listen", "127.0.0.1:0", "--json")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT / "Cluster") as process:
        try:
            address = json.loads(process.stdout.readline())["address"]
            assert httpx.get(f"{address}readyz", timeout=60).text == "ok\n"
            refused = httpx.get(f"{address}places", headers={"Host": "evil.example"}, timeout=60)
            assert refused.status_code == 421
        finally:
            process.terminate()
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--listen", "0.0.0.0:0"), "--token-file"),
        (("--listen", "nonsense"), "no address"),
        (("--token-file", "/nonexistent"), "--token-file"),
    ],
)
def test_a_service_that_others_could_reach_needs_a_token(setup: Setup, words: tuple[str, ...], text: str) -> None:
    done = subprocess.run(command(setup, *words), capture_output=True, text=True, cwd=ROOT / "Cluster", check=False)
    assert done.returncode in (64, 78) and text in done.stderr

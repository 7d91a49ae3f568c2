"""What a place looked like: dates of places, products by place and date, jobs, wants."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from perigee_cluster.archive.places import is_place_id
from perigee_cluster.products import Row
from perigee_cluster.products.item import moment
from perigee_cluster.products.product import MEASURED
from perigee_cluster.serving.jobs import Job
from perigee_cluster.serving.links import linked
from perigee_cluster.serving.service import NotFoundError, RequestError, Service, method_for, parse_moment

PLACES = 10_000
DATES = 5_000
LAYERS = 15


def router(service: Service) -> APIRouter:
    """Routes /places, /jobs, /wants."""
    routes = APIRouter()

    @routes.get("/places")
    def places() -> dict[str, Any]:
        statement = (
            "SELECT place, count(DISTINCT item), min(time), max(time), min(west), min(south), max(east), max(north)"
            " FROM places JOIN products ON products.id = product GROUP BY place ORDER BY place LIMIT ?"
        )
        with service.shelf.catalog.session() as session:
            rows = session.execute(statement, (PLACES,)).fetchall()
        return {"places": [_place(row) for row in rows], "is_all": len(rows) < PLACES}

    @routes.get("/places/{place}")
    def place(place: str) -> dict[str, Any]:
        dates: dict[str, dict[str, Any]] = {}
        for row in _rows(service, place):
            date = dates.setdefault(row.item, {"item": row.item, "datetime": _text(row.time), "methods": []})
            date["methods"].append(row.collection)
        return {"place": place, "dates": list(dates.values())}

    @routes.get("/places/{place}/{datetime}")
    def product(
        place: str, datetime: str, request: Request, response: Response, mode: str = "reconstruction",
        layers: int | None = None, method: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        chosen, asset = method_for(mode, method)
        if layers is not None and not 1 <= layers <= LAYERS:
            raise RequestError(f"layers is {layers}, must be 1 to {LAYERS}")
        rows = _rows(service, place)
        row = _at(rows, datetime)
        if row is not None:
            found = service.wanted(row, chosen, layers)
        elif mode == MEASURED or layers is not None or method is not None:
            raise NotFoundError(_nobody(rows, place, datetime))
        else:
            found = service.unobserved(rows, place, np.datetime64(parse_moment(datetime)[0], "ms"))
        base = str(request.base_url)
        if isinstance(found, Job):
            response.status_code = 202
            response.headers["Location"] = f"{base}jobs/{found.id}"
            return _job(service, found, base)
        return _answer(service, found, asset, base)

    @routes.post("/places/{place}/{datetime}/refine", status_code=202)
    def refine(place: str, datetime: str, request: Request, layers: int = LAYERS) -> dict[str, Any]:
        if not 1 <= layers <= LAYERS:
            raise RequestError(f"layers is {layers}, must be 1 to {LAYERS}")
        rows = _rows(service, place)
        row = _at(rows, datetime)
        if row is None:
            raise NotFoundError(_nobody(rows, place, datetime))
        want = service.wants.leave(row.station, row.epoch, row.frame, layers)
        return {"want": want, "href": f"{request.base_url}wants/{want}", **(service.wants.find(want) or {})}

    @routes.get("/wants/{want}")
    def want(want: str) -> dict[str, Any]:
        found = service.wants.find(want)
        if found is None:
            raise NotFoundError(f"no want {want[:16]!r}: those of seven days are kept")
        return {"want": want, **found}

    @routes.get("/jobs/{job}")
    def job(job: str, request: Request) -> dict[str, Any]:
        return _job(service, _known(service, job), str(request.base_url))

    @routes.delete("/jobs/{job}", status_code=202)
    def cancel(job: str, request: Request) -> dict[str, Any]:
        known = _known(service, job)
        service.jobs.cancel(known)
        return _job(service, known, str(request.base_url))

    return routes


def _known(service: Service, job_id: str) -> Job:
    found = service.jobs.find(job_id)
    if found is None:
        raise NotFoundError(f"no job {job_id[:32]!r}: those that ended long ago are forgotten")
    return found


def _rows(service: Service, place: str) -> list[Row]:
    if not is_place_id(place):
        raise RequestError(f"place is {place[:64]!r}, must be EPSG_SIZE_COLUMN_ROW or named_DIGITS: /places lists them")
    found = service.shelf.catalog.rows("id IN (SELECT product FROM places WHERE place = ?)", (place,), DATES)
    if not found:
        raise NotFoundError(f"no product shows place {place}: /places lists those that are known")
    return found


def _at(rows: list[Row], datetime: str) -> Row | None:
    """Some product of the frame that shows a place at a time; of several frames the first, of a frame its decode."""
    first, last = parse_moment(datetime)
    found = [row for row in rows if row.time is not None and first <= row.time < last]
    return min(found, key=lambda row: (row.time, row.item, row.collection != MEASURED), default=None)


def _nobody(rows: list[Row], place: str, datetime: str) -> str:
    first, last = parse_moment(datetime)
    before = max((row.time for row in rows if row.time is not None and row.time < first), default=None)
    after = min((row.time for row in rows if row.time is not None and row.time >= last), default=None)
    near = " and ".join(_text(time) or "" for time in (before, after) if time is not None)
    return f"nobody observed {place} at {datetime}; the nearest dates are {near or 'not known'}"


def _answer(service: Service, row: Row, asset: str, base: str) -> dict[str, Any]:
    shelf, row = service.product(row.collection, row.item)
    made = linked(shelf, row, base)
    tiles = f"{base}tiles/{row.collection}/{row.item}/{asset}"
    return {"state": "done", "asset": made["assets"][asset]["href"], "preview": f"{tiles}/preview.png", "item": made}


def _job(service: Service, job: Job, base: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": job.id, "state": job.state, "stage": job.stage, "progress": job.progress, "href": f"{base}jobs/{job.id}",
    }  # fmt: skip
    if job.error is not None:
        said["error"] = job.error
    if job.state == "done":
        shelf, row = service.product(job.result.collection, job.result.item)
        said["item"] = linked(shelf, row, base)
    return said


def _place(row: tuple[Any, ...]) -> dict[str, Any]:
    said = {"place": row[0], "dates": row[1], "first": _text(row[2]), "last": _text(row[3])}
    return said if row[4] is None else {**said, "bbox": list(row[4:8])}


def _text(time: int | None) -> str | None:
    return None if time is None else moment(np.datetime64(time, "ms"))

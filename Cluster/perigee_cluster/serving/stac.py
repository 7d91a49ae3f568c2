"""STAC API 1.0: core, collections, features, item search. Collections are methods."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from perigee_cluster.products import RECONSTRUCTED, Row
from perigee_cluster.products.item import moment
from perigee_cluster.products.product import MEASURED, METHOD_ID
from perigee_cluster.serving.links import GEOJSON, linked
from perigee_cluster.serving.service import NotFoundError, RequestError, Service

LIMIT = 1_000
OPENAPI = "application/vnd.oai.openapi+json"
CONFORMS = [
    f"https://api.stacspec.org/v1.0.0/{name}" for name in ("core", "collections", "ogcapi-features", "item-search")
] + [f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson")]
TITLES = {MEASURED: "What the packets say and nothing else", RECONSTRUCTED: "Packets, and the past of the place"}


class Search(BaseModel):
    """Body of a search; a field that we do not know is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")
    collections: list[str] | None = Field(None, max_length=64)
    ids: list[str] | None = Field(None, max_length=LIMIT)
    bbox: list[float] | None = None
    datetime: str | None = Field(None, max_length=80)
    limit: int = Field(100, ge=1, le=LIMIT)
    token: int | None = Field(None, ge=0)
    place: str | None = Field(None, max_length=64)
    """Ours: only products that show this place."""


def router(service: Service) -> APIRouter:
    """Routes below /stac."""
    routes = APIRouter(prefix="/stac")

    @routes.get("")
    def landing(request: Request) -> dict[str, Any]:
        base = str(request.base_url)
        links = [
            _link("self", f"{base}stac"), _link("root", f"{base}stac"), _link("data", f"{base}stac/collections"),
            _link("conformance", f"{base}stac/conformance"),
            {"rel": "service-desc", "type": f"{OPENAPI};version=3.1", "href": f"{base}openapi.json"},
            {"rel": "search", "type": GEOJSON, "href": f"{base}stac/search", "method": "GET"},
            {"rel": "search", "type": GEOJSON, "href": f"{base}stac/search", "method": "POST"},
        ]  # fmt: skip
        links += [_link("child", f"{base}stac/collections/{name}") for name in _collections(service)]
        return {
            "type": "Catalog", "stac_version": "1.1.0", "id": "perigee", "title": "Perigee", "links": links,
            "description": "Products of the frames of one archive, by method", "conformsTo": CONFORMS,
        }  # fmt: skip

    @routes.get("/conformance")
    def conformance() -> dict[str, Any]:
        return {"conformsTo": CONFORMS}

    @routes.get("/collections")
    def collections(request: Request) -> dict[str, Any]:
        base = str(request.base_url)
        found = [_collection(service, name, base) for name in _collections(service)]
        links = [_link("self", f"{base}stac/collections"), _link("root", f"{base}stac")]
        return {"collections": found, "links": links}

    @routes.get("/collections/{collection}")
    def collection(collection: str, request: Request) -> dict[str, Any]:
        return _collection(service, collection, str(request.base_url))

    @routes.get("/collections/{collection}/items", response_class=GeoJSON)
    def items(
        collection: str, request: Request, limit: int = 100, bbox: str | None = None, datetime: str | None = None,
        token: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        _collection(service, collection, str(request.base_url))
        asked = _search(collections=[collection], limit=limit, bbox=_numbers(bbox), datetime=datetime, token=token)
        return _found(service, asked, request)

    @routes.get("/collections/{collection}/items/{item}", response_class=GeoJSON)
    def item(collection: str, item: str, request: Request) -> dict[str, Any]:
        shelf, row = service.product(collection, item)
        try:
            return linked(shelf, row, str(request.base_url))
        except FileNotFoundError:
            raise NotFoundError(f"product {item} went meanwhile: reprocess it") from None

    @routes.get("/search", response_class=GeoJSON)
    def search(
        request: Request, collections: str | None = None, ids: str | None = None, bbox: str | None = None,
        datetime: str | None = None, limit: int = 100, token: int | None = None, place: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        unknown = set(request.query_params) - set(Search.model_fields)
        if unknown:
            raise RequestError(f"{sorted(unknown)[0][:40]!r} is no field of a search: {', '.join(Search.model_fields)}")
        asked = _search(
            collections=_words(collections), ids=_words(ids), bbox=_numbers(bbox), datetime=datetime, limit=limit,
            token=token, place=place,
        )  # fmt: skip
        return _found(service, asked, request)

    @routes.post("/search", response_class=GeoJSON)
    def search_by_body(asked: Search, request: Request) -> dict[str, Any]:
        return _found(service, asked, request)

    return routes


class GeoJSON(JSONResponse):
    """GeoJSON by its media type."""

    media_type = GEOJSON


def _search(**fields: Any) -> Search:
    try:
        return Search(**fields)
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("search",), "msg": str(error)}
        raise RequestError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _found(service: Service, asked: Search, request: Request) -> dict[str, Any]:
    base = str(request.base_url)
    where, values = _condition(asked)
    with service.shelf.catalog.session() as session:
        (matched,) = session.execute(f"SELECT count(*) FROM products WHERE {where}", values).fetchone()
    if asked.token is not None:
        where, values = f"{where} AND id < ?", [*values, asked.token]
    rows = service.shelf.catalog.rows(where, tuple(values), asked.limit + 1, "id DESC")
    features = []
    for row in rows[: asked.limit]:
        try:
            features.append(linked(service.shelf, row, base))
        except (FileNotFoundError, ValueError):
            continue  # it went between the list and now
    links = [_link("root", f"{base}stac"), _link("self", str(request.url))]
    if len(rows) > asked.limit:
        links.append(_next(request, asked, rows[asked.limit - 1]))
    return {
        "type": "FeatureCollection", "features": features, "links": links, "numberMatched": matched,
        "numberReturned": len(features),
    }  # fmt: skip


def _next(request: Request, asked: Search, last: Row) -> dict[str, Any]:
    if request.method == "POST":
        body = asked.model_dump(exclude_none=True) | {"token": last.id}
        return {"rel": "next", "type": GEOJSON, "href": str(request.url), "method": "POST", "body": body}
    return {
        "rel": "next",
        "type": GEOJSON,
        "href": str(request.url.include_query_params(token=last.id)),
        "method": "GET",
    }


def _condition(asked: Search) -> tuple[str, list[Any]]:
    parts, values = ["1"], []
    for column, texts in (("collection", asked.collections), ("item", asked.ids)):
        if texts is not None:
            parts.append(f"{column} IN ({','.join('?' * len(texts))})")
            values += texts
    if asked.place is not None:
        parts.append("id IN (SELECT product FROM places WHERE place = ?)")
        values.append(asked.place)
    if asked.datetime is not None:
        first, last = _span(asked.datetime)
        parts.append("time BETWEEN ? AND ?")
        values += [first, last]
    if asked.bbox is not None:
        where, corners = _inside(asked.bbox)
        parts.append(where)
        values += corners
    return " AND ".join(parts), values


def _inside(bbox: list[float]) -> tuple[str, list[float]]:
    if len(bbox) == 6:
        bbox = [bbox[0], bbox[1], bbox[3], bbox[4]]
    is_box = len(bbox) == 4 and all(np.isfinite(bbox)) and bbox[1] <= bbox[3]
    if not is_box or max(abs(bbox[0]), abs(bbox[2])) > 180 or max(abs(bbox[1]), abs(bbox[3])) > 90:
        raise RequestError("bbox must be west,south,east,north in degrees, south not above north")
    west, south, east, north = bbox
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    across = "(CASE WHEN west <= east THEN west <= ? AND east >= ? ELSE west <= ? OR east >= ? END)"
    where = f"south <= ? AND north >= ? AND ({' OR '.join([across] * len(spans))})"
    return where, [north, south, *(value for left, right in spans for value in (right, left, right, left))]


def _span(text: str) -> tuple[int, int]:
    """First and last ms of a datetime, or of an interval whose ends may be `..`."""
    ends = text.split("/")
    if len(ends) > 2 or all(end in ("", "..") for end in ends):
        raise RequestError(f"datetime is {text[:40]!r}, must be RFC 3339, or START/END where one may be ..")

    def at(end: str, otherwise: int) -> int:
        if end in ("", ".."):
            return otherwise
        try:
            return int(np.datetime64(end.removesuffix("Z").removesuffix("+00:00"), "ms").astype(np.int64))
        except ValueError:
            raise RequestError(f"datetime is {text[:40]!r}, must be RFC 3339 in UTC") from None

    first, last = at(ends[0], -(1 << 62)), at(ends[-1], 1 << 62)
    if first > last:
        raise RequestError("datetime ends before it starts")
    # a whole second means all of it
    return first, last + (999 if last < 1 << 61 and last % 1_000 == 0 else 0)


def _collections(service: Service) -> list[str]:
    with service.shelf.catalog.session() as session:
        return [name for (name,) in session.execute("SELECT DISTINCT collection FROM products ORDER BY 1")]


def _collection(service: Service, name: str, base: str) -> dict[str, Any]:
    extent = "count(*), min(west), min(south), max(east), max(north), min(time), max(time)"
    with service.shelf.catalog.session() as session:
        found = session.execute(f"SELECT {extent} FROM products WHERE collection = ?", (name,)).fetchone()
    if METHOD_ID.fullmatch(name) is None or found[0] == 0:
        raise NotFoundError(f"no collection {name[:48]!r}: /stac/collections lists them")
    box = [-180.0, -90.0, 180.0, 90.0] if found[1] is None else list(found[1:5])
    times = [None if time is None else moment(np.datetime64(time, "ms")) for time in found[5:7]]
    href = f"{base}stac/collections/{name}"
    return {
        "type": "Collection", "stac_version": "1.1.0", "id": name, "title": TITLES.get(name, name), "license": "other",
        "description": f"Frames of the archive by the method {name}; Docs/cluster-products.md says what it gives",
        "extent": {"spatial": {"bbox": [box]}, "temporal": {"interval": [times]}},
        "links": [
            _link("self", href), _link("root", f"{base}stac"), _link("parent", f"{base}stac"),
            {"rel": "items", "type": GEOJSON, "href": f"{href}/items"},
        ],
    }  # fmt: skip


def _link(rel: str, href: str) -> dict[str, Any]:
    return {"rel": rel, "type": "application/json", "href": href}


def _words(text: str | None) -> list[str] | None:
    return None if text is None else text.split(",")


def _numbers(text: str | None) -> list[float] | None:
    try:
        return None if text is None else [float(word) for word in text.split(",")]
    except ValueError:
        raise RequestError(f"bbox is {text[:60]!r}, must be west,south,east,north") from None  # type: ignore[index]

"""The application: routes, errors, metrics, the page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from rio_tiler.errors import RioTilerError

from perigee_cluster.archive import ArchiveError
from perigee_cluster.following import Setup
from perigee_cluster.following.metrics import CONTENT_TYPE, families, family
from perigee_cluster.products import CatalogError
from perigee_cluster.products.item import COG_TYPE
from perigee_cluster.serving import places, stac, tiles
from perigee_cluster.serving.access import Access
from perigee_cluster.serving.jobs import QueueFullError
from perigee_cluster.serving.service import Limits, NotFoundError, RequestError, Service
from perigee_cluster.serving.wants import WantError

FOLDER = Path(__file__).parent / "page"
PAGE = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
CODES: dict[type[Exception], int] = {
    NotFoundError: 404, FileNotFoundError: 404, RequestError: 400, QueueFullError: 429, WantError: 503,
    CatalogError: 503, ArchiveError: 503, RioTilerError: 400,
}  # fmt: skip


def create_app(
    setup: Setup, limits: Limits | None = None, token: str | None = None, hosts: Sequence[str] = ()
) -> FastAPI:
    """The service over one folder of products. `hosts`: names under which it is asked; none: any."""
    service = Service(setup, limits or Limits())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(title="Perigee cluster", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service
    app.include_router(stac.router(service))
    app.include_router(places.router(service))
    app.include_router(tiles.router(service))
    _files(app, service)
    _health(app, service)
    for kind, code in CODES.items():
        app.add_exception_handler(kind, _refusal(code))
    app.add_middleware(Access, token=token, hosts=hosts)
    return app


def _refusal(code: int) -> Callable[[Request, Exception], Response]:
    def refuse(_: Request, error: Exception) -> Response:
        text = "the file went meanwhile: reprocess its frame" if isinstance(error, FileNotFoundError) else str(error)
        headers = {"Retry-After": "5"} if code in (429, 503) else None
        return JSONResponse({"error": text}, code, headers)

    return refuse


def _files(app: FastAPI, service: Service) -> None:
    @app.get("/products/{collection}/{item}/{asset}.tif")
    def asset(collection: str, item: str, asset: str) -> FileResponse:
        shelf, row = service.product(collection, item)
        try:
            path = shelf.asset(row, asset)
        except ValueError as error:
            raise NotFoundError(str(error)) from None
        if not path.is_file():
            raise NotFoundError(f"{asset} of {item} went meanwhile: reprocess its frame")
        return FileResponse(path, media_type=COG_TYPE, filename=f"{row.item}_{row.collection}_{asset}.tif")

    for route, (name, kind) in PAGE.items():
        app.add_api_route(route, _page_file(name, kind), include_in_schema=False)


def _page_file(name: str, kind: str) -> Callable[[], FileResponse]:
    def give() -> FileResponse:
        return FileResponse(FOLDER / name, media_type=kind)

    return give


def _health(app: FastAPI, service: Service) -> None:
    @app.get("/livez", include_in_schema=False)
    def live() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    def ready() -> PlainTextResponse:
        service.shelf.catalog.octets()
        next(service.archive.frames(), None)
        return PlainTextResponse("ok\n")

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        lines = [*families(service.shelf)]
        lines += family("jobs", "gauge", "Requests that take long, by state", "state", service.jobs.count().items())
        cached = [("", service.cache.catalog.octets())]
        lines += family("cache_bytes", "gauge", "Products made on request", "", cached, unit="bytes")
        return Response("\n".join([*lines, "# EOF\n"]), media_type=CONTENT_TYPE)

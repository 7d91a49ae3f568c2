"""Pictures of products: titiler over our own files and nothing else."""

from __future__ import annotations

from typing import Annotated

import morecantile
from fastapi import APIRouter, Depends, Path, Request
from titiler.core.dependencies import BidxParams
from titiler.core.factory import TilerFactory

from perigee_cluster.products.product import ASSETS
from perigee_cluster.serving.service import RequestError, Service

SIZES = ("width", "height", "max_size", "tilesize", "buffer", "padding")
SIDE = 1 << 15


class _Factory(TilerFactory):
    """What a map and a page need: no parts by any polygon, no viewer with scripts from elsewhere, no expressions."""

    def register_routes(self) -> None:
        self.info()
        self.tile()
        self.tilejson()
        self.preview()


def router(service: Service) -> APIRouter:
    """Routes below /tiles/COLLECTION/ITEM/ASSET."""

    def path_of(collection: Annotated[str, Path()], item: Annotated[str, Path()], asset: Annotated[str, Path()]) -> str:
        shelf, row = service.product(collection, item)
        return str(shelf.asset(row, asset))

    def within_limit(request: Request) -> None:
        sides = {}
        for name in SIZES:
            text = request.path_params.get(name) or request.query_params.get(name)
            if text is None:
                continue
            if not text.isdecimal() or not int(text) <= SIDE:
                raise RequestError(f"{name} is {text[:20]!r}, must be 0 to {SIDE}")
            sides[name] = int(text)
        tile = sides.get("tilesize", 256) + 2 * (sides.get("buffer", 0) + sides.get("padding", 0))
        largest = sides.get("max_size", 1_024)
        pixels = max(tile * tile, largest * largest, sides.get("width", largest) * sides.get("height", largest))
        if pixels > service.limits.pixels:
            raise RequestError(f"the picture has {pixels} pixels, at most {service.limits.pixels} are made at a time")

    def within_bands(request: Request) -> None:
        path = request.path_params
        shelf, row = service.product(path["collection"], path["item"])
        asset = shelf.item(row)["assets"].get(path["asset"])
        if asset is None:
            raise RequestError(f"asset is {path['asset'][:40]!r}, must be one of {', '.join(ASSETS)}")
        for text in request.query_params.getlist("bidx"):
            if not text.isdecimal() or not 1 <= int(text) <= len(asset["bands"]):
                raise RequestError(f"bidx is {text[:20]!r}, must be 1 to {len(asset['bands'])}")

    factory = _Factory(
        router_prefix="/tiles/{collection}/{item}/{asset}",
        path_dependency=path_of,
        layer_dependency=BidxParams,
        supported_tms=morecantile.TileMatrixSets({"WebMercatorQuad": morecantile.tms.get("WebMercatorQuad")}),
    )
    routes = APIRouter(
        prefix="/tiles/{collection}/{item}/{asset}", dependencies=[Depends(within_limit), Depends(within_bands)]
    )
    routes.include_router(factory.router)
    return routes

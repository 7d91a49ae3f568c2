"""STAC items as the service gives them: with absolute links."""

from __future__ import annotations

from typing import Any

from perigee_cluster.products import Row, Shelf

GEOJSON = "application/geo+json"


def linked(shelf: Shelf, row: Row, base: str) -> dict[str, Any]:
    """The item of a product. Raises FileNotFoundError where it went meanwhile. `base` ends with a slash."""
    made = shelf.item(row)
    made["collection"] = row.collection
    stac, collection = f"{base}stac", f"{base}stac/collections/{row.collection}"
    product = f"{base}products/{row.collection}/{row.item}"
    made["links"] = [
        {"rel": "self", "type": GEOJSON, "href": f"{collection}/items/{row.item}"},
        {"rel": "root", "type": "application/json", "href": stac},
        {"rel": "parent", "type": "application/json", "href": collection},
        {"rel": "collection", "type": "application/json", "href": collection},
    ]
    for kind, asset in made["assets"].items():
        asset["href"] = f"{product}/{kind}.tif"
    has_crs = made["properties"].get("proj:code") is not None
    if has_crs:
        href = f"{base}tiles/{row.collection}/{row.item}/reconstruction/WebMercatorQuad/tilejson.json"
        made["links"].append({"rel": "tilejson", "type": "application/json", "href": href})
    made["links"].append(
        {
            "rel": "preview",
            "type": "image/png",
            "href": f"{base}tiles/{row.collection}/{row.item}/reconstruction/preview.png",
        }
    )
    return made

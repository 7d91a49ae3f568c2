"""Checks every STAC item below a folder with pystac, without any network.

The core of an item is checked against the JSON schemas that pystac brings; extension fields are read through pystac's
extension classes, which refuse what does not fit. Prints one JSON line a file; exits 1 where one is not valid.

    check_stac.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pystac
from pystac.extensions.eo import EOExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.view import ViewExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator


def check(path: Path) -> dict[str, object]:
    text = json.loads(path.read_text())
    schema = JsonSchemaSTACValidator().validate_core(text, pystac.STACObjectType.ITEM, text["stac_version"])
    if schema is None:
        raise ValueError(f"pystac has no schema of STAC {text['stac_version']}")
    item = pystac.Item.from_file(str(path))
    projection = ProjectionExtension.ext(item)
    if projection.shape is None or len(projection.shape) != 2:
        raise ValueError("proj:shape is not rows and columns")
    if (projection.code is None) != (item.geometry is None and item.bbox is None):
        raise ValueError("geometry, bbox and proj:code contradict each other")
    if projection.code is not None and len(projection.transform or []) != 6:
        raise ValueError("proj:transform has no six numbers")
    if item.datetime is None and (item.common_metadata.start_datetime is None):
        raise ValueError("datetime is null without start_datetime")
    asset = item.assets["data"]
    if asset.media_type != pystac.MediaType.COG or asset.roles != ["data"]:
        raise ValueError("the asset is no COG in the role data")
    if not Path(asset.get_absolute_href() or "").is_file():
        raise ValueError(f"{asset.href} is not there")
    EOExtension.ext(item)
    if item.bbox is not None:
        west, south, east, north = item.bbox
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(f"bbox {item.bbox} is none")
    return {
        "id": item.id,
        "datetime": None if item.datetime is None else item.datetime.isoformat(),
        "code": projection.code,
        "transform": projection.transform,
        "shape": projection.shape,
        "sun_elevation": ViewExtension.ext(item).sun_elevation,
        "bands": [band["name"] for band in text["assets"]["data"]["bands"]],
    }


def main() -> int:
    failed = False
    paths = sorted(p for p in Path(sys.argv[1]).rglob("*.json") if not p.name.endswith(".undecodable.json"))
    for path in paths:
        try:
            print(json.dumps({"file": path.name, **check(path)}))
        except Exception as error:  # the script's work is to report whatever a check says
            failed = True
            print(json.dumps({"file": path.name, "error": f"{type(error).__name__}: {error}"}))
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())

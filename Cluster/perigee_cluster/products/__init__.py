"""What is made of archived frames: Cloud Optimized GeoTIFFs and STAC items, by method."""

from perigee_cluster.products.catalog import Catalog, CatalogError, Row
from perigee_cluster.products.files import NoRoomError
from perigee_cluster.products.make import (
    ANY_DATE,
    METHODS,
    RECONSTRUCTED,
    make,
    make_unobserved,
    method_of,
    name_of,
    unobserved_name,
)
from perigee_cluster.products.product import Name, Product
from perigee_cluster.products.shelf import QuotaError, Shelf

__all__ = [
    "ANY_DATE",
    "METHODS",
    "RECONSTRUCTED",
    "Catalog",
    "CatalogError",
    "Name",
    "NoRoomError",
    "Product",
    "QuotaError",
    "Row",
    "Shelf",
    "make",
    "make_unobserved",
    "method_of",
    "name_of",
    "unobserved_name",
]

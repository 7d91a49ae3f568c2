"""What is made of archived frames: Cloud Optimized GeoTIFFs and STAC items, by method."""

from perigee_cluster.products.catalog import Catalog, CatalogError, Row
from perigee_cluster.products.files import NoRoomError
from perigee_cluster.products.make import METHODS, RECONSTRUCTED, make, method_of, name_of
from perigee_cluster.products.product import Name, Product
from perigee_cluster.products.shelf import QuotaError, Shelf

__all__ = [
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
    "method_of",
    "name_of",
]

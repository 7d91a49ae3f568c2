"""A product as octets, ready to be filed: what goes from the machine that made it to the one that keeps the shelf."""

from __future__ import annotations

from dataclasses import dataclass

from perigee_cluster.products.item import item, packed
from perigee_cluster.products.make import rasters
from perigee_cluster.products.product import Name, Product


@dataclass(frozen=True)
class Parcel:
    """The files of a product."""

    name: Name
    version: str
    rasters: dict[str, bytes]
    """By asset."""
    item: bytes

    @property
    def size(self) -> int:
        """Octets of all files."""
        return len(self.item) + sum(map(len, self.rasters.values()))


def parcel(product: Product) -> Parcel:
    """Writes a product's files into memory."""
    return Parcel(product.name, product.version, rasters(product), packed(item(product)))

"""OpenMetrics text of what followers did: the catalog counts for all processes, over restarts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perigee_cluster.following.follower import LAG_BOUNDS
from perigee_cluster.following.tasks import Tasks
from perigee_cluster.products.shelf import Shelf

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def openmetrics(shelf: Shelf) -> str:
    """All families, with the end mark. Docs/cluster-service.md section 2."""
    return "\n".join([*families(shelf), "# EOF\n"])


def families(shelf: Shelf) -> Iterator[str]:
    """Lines without the end mark."""
    counters = shelf.catalog.counters()

    def of(name: str) -> list[tuple[str, float]]:
        return sorted((label, value) for (found, label), value in counters.items() if found == name)

    yield from family("products", "counter", "Products filed", "method", of("products"))
    yield from family("samples", "counter", "Samples of products filed", "method", of("samples"))
    yield from family("work_seconds", "counter", "Time that methods took", "method", of("seconds"), unit="seconds")
    yield from family("fallbacks", "counter", "Products with a tile that fell back", "method", of("fallbacks"))
    yield from family("agreement_sent", "counter", "Coefficients that packets bound", "method", of("agreement_sent"))
    yield from family("agreement_held", "counter", "Those of them that products keep", "method", of("agreement_held"))
    yield from family("failures", "counter", "Tasks and frames that failed", "reason", of("failures"))
    queue = sorted(Tasks(shelf.catalog).count().items())
    yield from family("queue_tasks", "gauge", "Tasks that are to be done", "state", queue)
    yield from family(
        "products_bytes", "gauge", "Products on the shelf", "", [("", shelf.catalog.octets())], unit="bytes"
    )
    if shelf.quota is not None:
        yield from family("quota_bytes", "gauge", "What products may take", "", [("", shelf.quota)], unit="bytes")
    yield from _lag(counters)


def family(
    name: str, kind: str, help_text: str, label: str, values: Iterable[tuple[str, float]], unit: str = ""
) -> Iterator[str]:
    """One family of samples with one label or none."""
    full = f"perigee_cluster_{name}"
    yield f"# TYPE {full} {kind}"
    if unit:
        yield f"# UNIT {full} {unit}"
    yield f"# HELP {full} {help_text}"
    for text, value in values:
        labels = f'{{{label}="{_escaped(text)}"}}' if label else ""
        yield f"{full}{'_total' if kind == 'counter' else ''}{labels} {_number(value)}"


def _lag(counters: dict[tuple[str, str], float]) -> Iterator[str]:
    full = "perigee_cluster_lag_seconds"
    yield f"# TYPE {full} histogram"
    yield f"# UNIT {full} seconds"
    yield f"# HELP {full} From the last packet of a frame in the archive to its product"
    for method in sorted(label for name, label in counters if name == "lag_count"):
        count = _number(counters["lag_count", method])
        for bound in LAG_BOUNDS:
            value = _number(counters.get(("lag", f"{method} {bound}"), 0))
            yield f'{full}_bucket{{method="{method}",le="{float(bound)}"}} {value}'
        yield f'{full}_bucket{{method="{method}",le="+Inf"}} {count}'
        yield f'{full}_count{{method="{method}"}} {count}'
        yield f'{full}_sum{{method="{method}"}} {_number(counters["lag_sum", method])}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)

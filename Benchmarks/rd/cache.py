"""Keeps what is slow and does not change with the codec: results of peers, bundles of folds.

An entry is found by a digest of everything it depends on, so nothing here is ever out of date; delete it freely. It
lies in `.build/bench-rd`, or where `$PERIGEE_BENCH_CACHE` says.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

ROOT = Path(__file__).resolve().parents[2]
KEY_LENGTH = 24


def folder() -> Path:
    """Where entries lie."""
    given = os.environ.get("PERIGEE_BENCH_CACHE")
    return Path(given) if given else ROOT / ".build" / "bench-rd"


def digest(*parts: object) -> str:
    """A name for `parts`: text, numbers, octets, and lists or tables of them."""
    text = json.dumps(parts, sort_keys=True, default=lambda value: hashlib.sha256(value).hexdigest())
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def digest_of_files(paths: Iterable[Path]) -> str:
    """A name for the contents of files, whatever they are called."""
    return digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])


def remembered(name: str, key: str, make: Callable[[], object]) -> object:
    """The JSON value kept as `name`/`key`, made and kept if there is none."""
    path = folder() / name / f"{key}.json"
    if path.is_file():
        return json.loads(path.read_text())
    value = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(json.dumps(value))
    Path(file.name).rename(path)
    return value

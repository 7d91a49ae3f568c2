"""The split of places: the file is what the rule gives, and what must be apart is apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from perigee_cluster.data.splits import (
    SPLITS_FILE,
    compute_splits,
    elevation_groups,
    hashed_role,
    load_splits,
    render,
)


def test_file_is_what_the_rule_gives(data: Path) -> None:
    assert render(compute_splits(data)) == SPLITS_FILE.read_text()


@pytest.mark.parametrize(
    ("place", "role"),
    [
        ("ssl4eos12-0173706", "test"),
        ("ssl4eos12-0193833", "test"),
        ("wc-be2", "test"),
        ("dolomites", "test"),
        ("ssl4eos12-0121563", "validation"),
        ("wc-be1", "validation"),
        ("bouconne", "validation"),
        ("ssl4eos12-0080717", "train"),
        ("tm-38D378R23", "train"),
        ("eol-slovenia", "train"),
    ],
)
def test_named_places_keep_their_role(place: str, role: str) -> None:
    assert load_splits().role(place) == role


def test_hashed_places_follow_the_first_octet() -> None:
    splits = load_splits()
    patches = [p for p in splits.train | splits.validation | splits.test if p.startswith("es-")]
    assert len(patches) == 130
    for patch in patches:
        octet = hashlib.sha256(patch.encode()).digest()[0] % 5
        assert splits.role(patch) == ("test", "validation", "train", "train", "train")[octet]


def test_unknown_place_is_refused() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        load_splits().role("nowhere")


def test_patches_of_one_river_share_a_group() -> None:
    groups = elevation_groups({"a": 114, "b": 116, "c": 120, "d": 125, "e": 300})
    assert groups["a"] == groups["b"] == groups["c"] == "hls-elevation-114"
    assert groups["d"] == "hls-elevation-125"
    assert hashed_role(groups["e"]) in ("train", "validation", "test")

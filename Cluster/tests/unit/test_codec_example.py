"""Docs/examples/codec.md runs from its text and prints what it says, numbers within a quarter: the coder changes."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\binf\b|#+")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """Scripts/run_example.py; skipped without a release build, a failure in CI."""
    if not (ROOT / ".build" / "release" / "perigee").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("no release build: swift build -c release")
        pytest.skip("no release build: swift build -c release")
    specification = importlib.util.spec_from_file_location("run_example", ROOT / "Scripts" / "run_example.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def numbers(text: str) -> list[float]:
    """Every number of an output; a bar counts its length."""
    return [len(word) if word[0] == "#" else float(word.replace(",", "")) for word in NUMBER.findall(text)]


def test_the_page_prints_what_it_says(example: ModuleType, tmp_path: Path) -> None:
    page = example.PAGE.read_text()
    outputs, recorded = example.run(page, tmp_path), example.recorded(page)
    assert len(outputs) == len(recorded) >= 6
    for found, shown in zip(outputs, recorded, strict=True):
        assert NUMBER.sub("", found).split() == NUMBER.sub("", shown).split()
        for number, expected in zip(numbers(found), numbers(shown), strict=True):
            assert number == expected or abs(number - expected) <= 0.25 * abs(expected) + 0.02, f"{found}\n{shown}"
    assert (tmp_path / "prefixes.png").stat().st_size > 10_000

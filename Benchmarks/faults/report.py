"""The report as JSON and as the table of Docs/guarantees.md."""

from __future__ import annotations

import json
from pathlib import Path

from faults.daemons import ROOT
from faults.rows import ROWS
from faults.trial import Row
from rd.provenance import machine, write_between

PAGE = ROOT / "Docs" / "guarantees.md"


def keep(path: Path, row: Row, result: dict[str, object]) -> None:
    """Puts the result of one row into the report; the other rows stay."""
    report = json.loads(path.read_text()) if path.exists() else {"benchmark": "faults", "rows": {}}
    report["machine"] = machine()
    report["rows"][row.name] = {"fault": row.fault, "how": row.how, "passes": row.passes} | result
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def table(report: dict) -> str:
    """One line a row, in the order of the bench."""
    lines = ["| fault | how | must hold | result | counts | commit |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        result = report["rows"].get(row.name)
        if result is None:
            lines.append(f"| {row.fault} | {row.how} | {row.passes} | not run | | |")
            continue
        counts = ", ".join(f"{name.replace('_', ' ')} {_number(count)}" for name, count in result["counts"].items())
        lines.append(f"| {row.fault} | {row.how} | {row.passes} | {result['result']} | {counts} | {result['commit']} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def write_table(path: Path) -> None:
    """Puts the table between its markers."""
    if path.exists():
        write_between(PAGE, "faults", table(json.loads(path.read_text())))

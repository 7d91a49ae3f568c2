"""The rows of the table, one module each."""

from __future__ import annotations

from faults.rows import (
    fleet,
    gateway_damage,
    gateway_errors,
    gateway_kill,
    gateway_power,
    suites,
)
from faults.trial import Row

ROWS: tuple[Row, ...] = (
    gateway_kill.ROW,
    gateway_power.ROW,
    gateway_damage.ROW,
    gateway_errors.ROW,
    fleet.ROW,
    suites.SIMULATION,
    suites.FUZZ,
)

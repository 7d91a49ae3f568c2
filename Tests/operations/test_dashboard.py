"""The dashboard and the rules against a real Prometheus that scrapes real daemons."""

from __future__ import annotations

import json
import re

import pytest
from alert_cases import ROOT
from conftest import Observed, fetch

DASHBOARD = json.loads((ROOT / "Config" / "grafana" / "perigee.json").read_text())
QUERIES = [
    (panel["title"], target["expr"].replace("$station", ".*"))
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
# nothing waits in the end, and then there is no such time
MAY_BE_EMPTY = {"Oldest packet"}


@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[f"{title}: {e[:40]}" for title, e in QUERIES])
def test_each_query_has_an_answer(observed: Observed, title: str, expression: str) -> None:
    answer = observed.query(expression)
    if title not in MAY_BE_EMPTY:
        assert answer, expression


def test_each_name_in_a_query_is_scraped(observed: Observed) -> None:
    names = {name for _, expression in QUERIES for name in re.findall(r"perigee_\w+", expression)}
    for name in names - {"perigee_link_state", "perigee_spool_oldest_unacked_timestamp_seconds"}:
        assert observed.query(f"count({name})"), name


def test_nothing_is_alarmed_while_all_is_well(observed: Observed) -> None:
    firing = {alert["metric"]["alertname"] for alert in observed.query('ALERTS{alertstate="firing"}')}
    # the clock of a test's machine is its own business
    assert firing <= {"ClockBad"}


def test_each_alert_of_the_daemons_has_a_page(observed: Observed) -> None:
    for url in (observed.station, observed.gateway):
        names = re.findall(r'_alerts\{alert="(\w+)"\}', fetch(f"{url}/metrics"))
        assert names
        for name in names:
            assert (ROOT / "Docs" / "runbook" / f"{name}.md").exists(), name

"""The alert rules: promtool takes them, each fires where it should, each has a page that says what to do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import alert_cases
import pytest

RUNBOOK = alert_cases.ROOT / "Docs" / "runbook"


def alerts() -> set[str]:
    return set(re.findall(r"^\s+- alert: (\w+)$", alert_cases.RULES.read_text(), re.MULTILINE))


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_rules_are_sound() -> None:
    done = promtool("check", "rules", str(alert_cases.RULES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_where_it_should_and_not_beside_it(tmp_path: Path) -> None:
    document = {
        "rule_files": [str(alert_cases.RULES)],
        "evaluation_interval": "1m",
        "tests": [alert_cases.group(case) for case in alert_cases.CASES],
    }
    file = tmp_path / "alerts.test.yml"
    file.write_text(json.dumps(document))
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_in_which_it_fires() -> None:
    assert {case.alert for case in alert_cases.CASES if case.fires} == alerts()


@pytest.mark.parametrize("name", sorted(alerts()))
def test_each_alert_has_a_page_of_four_parts(name: str) -> None:
    page = (RUNBOOK / f"{name}.md").read_text()
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "What it means", "Look first", "Safe to do", "Call somebody when",
    ]  # fmt: skip
    assert name in (RUNBOOK / "README.md").read_text()

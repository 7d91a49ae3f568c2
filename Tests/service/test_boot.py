"""A real boot: Debian with systemd as process 1, our packages and units, all of their sandbox. In `make test-slow`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

import pytest

from faults.daemons import ROOT, wait_for
from service.machine import Machine, obstacle

if not os.environ.get("PERIGEE_SLOW"):
    pytest.skip("only with PERIGEE_SLOW=1", allow_module_level=True)
if (reason := obstacle()) is not None:
    pytest.skip(reason, allow_module_level=True)

UNITS = ("perigee-gateway", "perigeed")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Booted, with the keys of Docs/security.md."""
    made = Machine()
    try:
        made.boot()
        for name in ("gateway", "station"):
            made.run("perigee", "keys", "gen", name)
        made.run("perigee", "keys", "allow", "station-1", "/etc/perigee/keys/station.pub")
        yield made
        made.power_off()
    finally:
        made.power_off()
        made.remove()


def _status(machine: Machine) -> dict:
    return json.loads(machine.run("cat", "/run/perigee/status.json", check=False) or "{}")


def test_both_start_inside_all_of_their_sandbox_and_deliver(machine: Machine) -> None:
    for unit in UNITS:
        machine.run("systemctl", "start", unit)  # until READY=1
        assert machine.show(unit, "ActiveState") == "active"
        process = machine.show(unit, "MainPID")
        status = machine.run("cat", f"/proc/{process}/status")
        assert "Seccomp:\t2" in status and "CapEff:\t0000000000000000" in status and "\nUid:\t0\t" not in status
    machine.run_on_its_network(
        "env", f"PYTHONPATH={ROOT}/Tests:{ROOT}/Benchmarks", sys.executable, "-m", "service.send",
        "tcp://127.0.0.1:5570", "3",
    )  # fmt: skip
    wait_for("delivery", lambda: _status(machine).get("ledger", {}).get("delivered") == 3, 60)
    wait_for("a status that says it", lambda: "raw over link" in machine.show("perigeed", "StatusText"), 10)
    assert machine.show("perigeed", "StatusText").endswith("x, nothing waits")
    assert machine.show("perigee-gateway", "StatusText").startswith("1 of 1 stations connected")


def test_files_belong_to_the_service_alone(machine: Machine) -> None:
    assert machine.run("stat", "-c", "%a %U", "/var/lib/perigee", "/run/perigee") == "700 perigee\n750 perigee"
    # root's key, and the daemon's own copy of it
    assert machine.run("stat", "-c", "%a %U", "/etc/perigee/keys/station.secret") == "600 root"
    assert machine.run("find", "/var/lib/perigee", "-perm", "/077") == ""


def test_the_journal_has_priorities_and_keys(machine: Machine) -> None:
    lines = machine.run("journalctl", "-u", "perigeed", "-o", "json", "--output-fields=PRIORITY,MESSAGE").splitlines()
    entries = [json.loads(line) for line in lines]
    ready = next(entry for entry in entries if "event=ready" in entry["MESSAGE"])
    assert ready["PRIORITY"] == "5" and ready["MESSAGE"].startswith("level=notice event=ready ")


def test_systemd_rates_the_running_units(machine: Machine) -> None:
    for unit in UNITS:
        machine.run("systemd-analyze", "security", "--threshold=11", "--no-pager", unit)


def test_reload_goes_through_and_the_process_stays(machine: Machine) -> None:
    for unit in UNITS:
        process = machine.show(unit, "MainPID")
        machine.run("systemctl", "reload", unit)
        machine.wait_for(unit, "SubState", "running")
        assert machine.show(unit, "MainPID") == process


def test_a_process_that_stands_still_is_ended_and_started_again(machine: Machine) -> None:
    quick = "[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\nRestartSec=100ms\n"
    for unit in UNITS:
        machine.write(f"/etc/systemd/system/{unit}.service.d/quick.conf", quick)
    machine.run("systemctl", "daemon-reload")
    for unit in UNITS:
        machine.run("systemctl", "restart", unit)
        process = machine.show(unit, "MainPID")
        machine.run("sh", "-c", f"kill -STOP {process}")
        wait_for("another process", lambda u=unit, p=process: machine.show(u, "MainPID") not in (p, "0"), 60)
        machine.wait_for(unit, "ActiveState", "active")
        assert machine.show(unit, "NRestarts") == "1"
        assert "Watchdog timeout" in machine.run("journalctl", "-u", unit)


def test_a_wrong_configuration_is_not_started_again(machine: Machine) -> None:
    path = "/etc/perigee/perigeed.toml"
    good = (machine.root / path.lstrip("/")).read_text()
    machine.write(path, good + "\n[nonsense]\nx = 1\n")
    machine.run("systemctl", "restart", "perigeed", check=False)
    machine.wait_for("perigeed", "ActiveState", "failed")
    assert machine.show("perigeed", "ExecMainStatus") == "78"
    machine.write(path, good)
    machine.run("systemctl", "restart", "perigeed")
    assert machine.show("perigeed", "ActiveState") == "active"


def test_both_end_in_order(machine: Machine) -> None:
    for unit in reversed(UNITS):
        machine.run("systemctl", "stop", unit)
        assert machine.show(unit, "Result") == "success"
        assert machine.show(unit, "ExecMainStatus") == "0"

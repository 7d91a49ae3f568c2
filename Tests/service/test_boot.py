"""A real boot: Debian with systemd as process 1, our packages and units, all of their sandbox. In `make test-slow`."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.daemons import ROOT, TrialError, wait_for
from service.machine import Machine, layers, packages

if not os.environ.get("PERIGEE_SLOW"):
    pytest.skip("only with PERIGEE_SLOW=1", allow_module_level=True)
try:
    INSTALLED = layers()[1]
except TrialError as obstacle:
    pytest.skip(str(obstacle), allow_module_level=True)

UNITS = ("perigee-gateway", "perigeed")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Booted, with the keys of Docs/security.md."""
    work = Path(tempfile.mkdtemp(prefix="perigee-boot-", dir="/var/tmp"))  # a root lies on a disk
    made = Machine(work, "boot", INSTALLED)
    try:
        for path in packages():
            shutil.copy(path, made.root / "root")
        made.boot()
        made.run("dpkg -i ./*.deb")
        made.run("perigee keys gen gateway; perigee keys gen station")
        made.run("perigee keys allow station-1 /etc/perigee/keys/station.pub")
        yield made
    finally:
        made.power_off()
        shutil.rmtree(work)


def test_both_start_inside_all_of_their_sandbox_and_deliver(machine: Machine) -> None:
    for unit in UNITS:
        machine.run(f"systemctl start {unit}")  # until READY=1
        assert machine.show(unit, "ActiveState") == "active"
        process = machine.process_of(unit)
        status = machine.run(f"cat /proc/{process}/status")
        assert "Seccomp:\t2" in status and "CapEff:\t0000000000000000" in status and "\nUid:\t0\t" not in status
    machine.run_on_its_network(
        "env", f"PYTHONPATH={ROOT}/Tests:{ROOT}/Benchmarks", sys.executable, "-m", "service.send",
        "tcp://127.0.0.1:5570", "3",
    )  # fmt: skip
    wait_for("delivery", lambda: machine.status().get("ledger", {}).get("delivered") == 3, 60)
    wait_for("a status that says it", lambda: "raw over link" in machine.show("perigeed", "StatusText"), 10)
    assert machine.show("perigeed", "StatusText").endswith("x, nothing waits")
    assert machine.show("perigee-gateway", "StatusText").startswith("1 of 1 stations connected")


def test_files_belong_to_the_service_alone(machine: Machine) -> None:
    assert machine.ask("stat -c '%a %U' /var/lib/perigee /run/perigee") == "700 perigee\n750 perigee"
    # root's key, and the daemon's own copy of it
    assert machine.ask("stat -c '%a %U' /etc/perigee/keys/station.secret") == "600 root"
    assert machine.run("find /var/lib/perigee -perm /077") == ""


def test_the_journal_has_priorities_and_keys(machine: Machine) -> None:
    lines = machine.run("journalctl -u perigeed -o json --output-fields=PRIORITY,MESSAGE").splitlines()
    entries = [json.loads(line) for line in lines]
    ready = next(entry for entry in entries if "event=ready" in entry["MESSAGE"])
    assert ready["PRIORITY"] == "5" and ready["MESSAGE"].startswith("level=notice event=ready ")


def test_systemd_rates_the_running_units(machine: Machine) -> None:
    for unit in UNITS:
        machine.run(f"systemd-analyze security --threshold=11 --no-pager {unit}")


def test_reload_goes_through_and_the_process_stays(machine: Machine) -> None:
    for unit in UNITS:
        process = machine.process_of(unit)
        machine.run(f"systemctl reload {unit}")
        machine.wait_for(unit, "SubState", "running")
        assert machine.process_of(unit) == process


def test_a_process_that_stands_still_is_ended_and_started_again(machine: Machine) -> None:
    quick = "[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\nRestartSec=100ms\n"
    for unit in UNITS:
        machine.write(f"/etc/systemd/system/{unit}.service.d/quick.conf", quick)
    machine.run("systemctl daemon-reload")
    for unit in UNITS:
        machine.run(f"systemctl restart {unit}")
        process = machine.process_of(unit)
        machine.run(f"kill -STOP {process}")
        wait_for("another process", lambda u=unit, p=process: machine.process_of(u) not in (p, "0"), 60)
        machine.wait_for(unit, "ActiveState", "active")
        assert machine.show(unit, "NRestarts") == "1"
        assert "Watchdog timeout" in machine.run(f"journalctl -u {unit}")


def test_a_wrong_configuration_is_not_started_again(machine: Machine) -> None:
    path = "/etc/perigee/perigeed.toml"
    good = (machine.root / path.lstrip("/")).read_text()
    machine.write(path, good + "\n[nonsense]\nx = 1\n")
    machine.ask("systemctl restart perigeed")
    machine.wait_for("perigeed", "ActiveState", "failed")
    assert machine.show("perigeed", "ExecMainStatus") == "78"
    machine.write(path, good)
    machine.run("systemctl restart perigeed")
    assert machine.show("perigeed", "ActiveState") == "active"


def test_both_end_in_order(machine: Machine) -> None:
    for unit in reversed(UNITS):
        machine.run(f"systemctl stop {unit}")
        assert machine.show(unit, "Result") == "success"
        assert machine.show(unit, "ExecMainStatus") == "0"

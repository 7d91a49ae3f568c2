"""The real daemons inside the sandbox of their units."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from faults.daemons import ROOT, wait_for
from faults.source import Source
from service.conftest import UNITS, Site
from service.supervisor import Times

INSIDE = ("env", f"PYTHONPATH={ROOT}/Tests", sys.executable, "-m", "service.sandbox")


def _inside(unit: Path) -> tuple[str, ...]:
    return (*INSIDE, str(unit))


def _probe(tmp_path: Path, *prefix: str) -> dict[str, str]:
    file = tmp_path / "file"
    file.touch()
    words = [*prefix, sys.executable, "-m", "service.probe", str(file)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}/Tests"}
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["perigeed", "perigee-gateway"])
def test_sandbox_refuses_what_the_unit_refuses(name: str, tmp_path: Path) -> None:
    inside = _probe(tmp_path, *_inside(UNITS / f"{name}.service"))
    assert inside == {
        "socket of the network": "ok",
        "socket for the interfaces": "ok",
        "socket for whole packets": "EAFNOSUPPORT",
        "socket of bluetooth": "EAFNOSUPPORT",
        "memory to write and execute": "EPERM",
        "memory to write": "ok",
        "ordinary scheduler": "ok",
        "realtime scheduler": "EPERM",
        "namespace of users": "EPERM",
        "mount": "EPERM",
        "clock": "EPERM",
        "set-user-id": "EPERM",
        "process of another user": "EPERM",
        "capabilities": "",
    }
    outside = _probe(tmp_path)
    for what in ("memory to write and execute", "set-user-id"):
        assert outside[what] == "ok", "the probe would see no difference"


def test_a_frame_is_delivered_with_keys_from_sandbox_to_sandbox(site: Site) -> None:
    gateway = site.supervise("perigee-gateway", prefix=_inside(UNITS / "perigee-gateway.service"))
    station = site.supervise("perigeed", prefix=_inside(UNITS / "perigeed.service"))
    wait_for("both to be ready", lambda: station.said("READY") and gateway.said("READY"))
    for supervisor in (gateway, station):
        status = Path(f"/proc/{supervisor.process_id}/status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
    source = Source(site.frames, size=50_000)
    source.connect()
    names = {source.give() for _ in range(3)}

    def is_done() -> bool:
        source.drive(20)
        ledger = site.station.status().get("ledger", {})
        return source.stored == names and ledger.get("delivered") == 3

    wait_for("the frames to be delivered", is_done)
    source.close()
    wait_for("the gateway's status", lambda: site.gateway.status()["keys"]["connections_admitted"] >= 1)
    assert site.gateway.status()["keys"]["connections_denied"] == 0
    assert gateway.ends == [] and station.ends == []


TRAPS = {"AF_NETLINK": (" AF_NETLINK", ""), "sched_setscheduler": ("SystemCallFilter=sched_setscheduler\n", "")}


@pytest.mark.parametrize("name", ["perigeed", "perigee-gateway"])
@pytest.mark.parametrize("trap", TRAPS)
def test_without_either_concession_to_libzmq_the_daemon_does_not_start(
    name: str, trap: str, site: Site, tmp_path: Path
) -> None:
    text = (UNITS / f"{name}.service").read_text()
    stricter = tmp_path / f"{name}.service"
    stricter.write_text(text.replace(*TRAPS[trap]))
    assert stricter.read_text() != text
    supervisor = site.supervise(name, Times(restart=600), unit=stricter, prefix=_inside(stricter))
    wait_for("its end", lambda: len(supervisor.ends) == 1)
    # libzmq's own thread aborts, perhaps while the main one already says READY
    assert supervisor.ends[0].code == -6, supervisor.text()

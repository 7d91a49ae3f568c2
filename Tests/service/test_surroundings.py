"""The real daemons where the machine is in a bad way: a log on a full disk, folders and ports that are not theirs."""

from __future__ import annotations

import socket
import sys

import pytest

from faults.daemons import ROOT, wait_for
from faults.source import Source
from service.conftest import UNITS, Site
from service.supervisor import Times

NAMES = ("perigeed", "perigee-gateway")
ONCE = Times(restart=600)
FULL_DISK = ("sh", "-c", 'exec "$@" 2>/dev/full', "sh")
READER_GONE = ("bash", "-c", 'exec "$@" 2> >(:)', "bash")


@pytest.mark.parametrize("prefix", [FULL_DISK, READER_GONE], ids=["full disk", "reader gone"])
def test_daemons_whose_log_goes_nowhere_go_on(prefix: tuple[str, ...], site: Site) -> None:
    running = [site.supervise(name, prefix=prefix) for name in NAMES]
    wait_for("both to be ready", lambda: all(supervisor.said("READY") for supervisor in running))
    source = Source(site.frames, size=20_000)
    source.connect()
    source.give()

    def is_done() -> bool:
        source.drive(20)
        return site.station.status().get("ledger", {}).get("delivered") == 1

    wait_for("the frame to be delivered", is_done)
    source.close()
    for supervisor in running:
        supervisor.stop()
        assert [end.code for end in supervisor.ends] == [0]
        assert supervisor.text() == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_port_that_is_taken_ends_with_69_and_is_named(name: str, site: Site) -> None:
    endpoint = site.frames if name == "perigeed" else site.gateway.endpoint
    with socket.socket() as other:
        host, port = endpoint.removeprefix("tcp://").split(":")
        other.bind((host, int(port)))
        other.listen()
        supervisor = site.supervise(name, ONCE)
        wait_for("its end", lambda: len(supervisor.ends) == 1)
    assert supervisor.ends[0].code == 69
    assert endpoint in supervisor.text() and supervisor.said("READY") == []


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_cannot_be_written_ends_with_74_and_is_named(name: str, site: Site) -> None:
    folder = site.station.spool if name == "perigeed" else site.gateway.archive
    folder.mkdir()
    folder.chmod(0o500)
    # inside of the sandbox root has no right beyond its own files either
    inside = (
        "env",
        f"PYTHONPATH={ROOT}/Tests",
        sys.executable,
        "-m",
        "service.sandbox",
        str(UNITS / f"{name}.service"),
    )
    supervisor = site.supervise(name, ONCE, prefix=inside)
    wait_for("its end", lambda: len(supervisor.ends) == 1)
    folder.chmod(0o700)
    assert supervisor.ends[0].code == 74, supervisor.text()
    assert str(folder) in supervisor.text() or folder.name in supervisor.text()
    assert "Permission denied" in supervisor.text() or "writable" in supervisor.text()
    assert supervisor.said("READY") == []


def test_who_waits_after_faults_of_its_disk_ends_when_asked(site: Site) -> None:
    for name in NAMES:
        # as six lives before left it: the next one waits 32 s
        runtime = site.folder / f"{name}-runtime"
        runtime.mkdir()
        (runtime / "storage-faults").write_text("6")
        supervisor = site.supervise(name, ONCE, environment={"RUNTIME_DIRECTORY": str(runtime)})
        wait_for(
            "its word", lambda s=supervisor: any("trying again in" in w.values["STATUS"] for w in s.said("STATUS"))
        )
        supervisor.stop()
        assert [(end.code, end.reason) for end in supervisor.ends] == [(0, "asked")]
        assert supervisor.said("READY") == []

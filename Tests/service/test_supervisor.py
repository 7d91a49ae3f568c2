"""The real daemons under what a service manager does."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults.daemons import wait_for
from faults.interposer import Interposer, build
from faults.source import Source
from service.conftest import Site
from service.supervisor import Supervisor, Times

QUICK = Times(watchdog=8, restart=0.2, stop=30)


def _wait_ready(supervisor: Supervisor, lives: int = 1) -> None:
    wait_for(f"READY number {lives}", lambda: len(supervisor.said("READY")) >= lives, 120)


def test_a_station_is_ready_when_it_takes_frames_and_waits_for_no_gateway(site: Site) -> None:
    station = site.supervise("perigeed")
    _wait_ready(station)
    # on the disk before anybody could deliver it
    source = Source(site.frames, size=5_000)
    source.connect()
    source.give()

    def is_stored() -> bool:
        source.drive(20)
        return source.unanswered == 0

    wait_for("the frame to be stored", is_stored)
    source.close()
    first = station.heard[0]
    assert "EXTEND_TIMEOUT_USEC" in first.values and first.values["STATUS"] == "opening the spool, 0 s"
    wait_for("a status with the backlog", lambda: any("wait" in w.values["STATUS"] for w in station.said("STATUS")[2:]))
    assert site.station.status()["link"]["state"] != "live"


def test_the_words_of_a_life_come_in_order(site: Site) -> None:
    gateway = site.supervise("perigee-gateway", QUICK)
    _wait_ready(gateway)
    wait_for("watchdog words", lambda: len(gateway.said("WATCHDOG")) > 5)
    gateway.stop()
    order = [name for word in gateway.heard for name in word.values if name in ("READY", "STOPPING")]
    assert order == ["READY", "STOPPING"]
    assert gateway.ends[-1].code == 0 and gateway.ends[-1].reason == "asked"


@pytest.mark.parametrize("name", ["perigeed", "perigee-gateway"])
def test_who_is_killed_comes_back(name: str, site: Site) -> None:
    supervisor = site.supervise(name, QUICK)
    _wait_ready(supervisor)
    os.kill(supervisor.process_id, signal.SIGKILL)
    _wait_ready(supervisor, lives=2)
    assert [end.code for end in supervisor.ends] == [-signal.SIGKILL]


@pytest.mark.parametrize("name", ["perigeed", "perigee-gateway"])
def test_a_wrong_configuration_ends_with_78_and_is_not_started_again(name: str, site: Site) -> None:
    end = site.station if name == "perigeed" else site.gateway
    configuration = end.status_file.parent / f"{end.status_file.stem}.toml"
    configuration.write_text("[nonsense]\nx = 1\n" + configuration.read_text())
    supervisor = site.supervise(name, QUICK)
    wait_for("its end", lambda: len(supervisor.ends) == 1)
    supervisor.stop()
    assert [(end.code, end.reason) for end in supervisor.ends] == [(78, "itself")]
    assert "nonsense" in supervisor.text()


LOOPS = {
    "perigeed": {
        "intake-0": "intake-0", "lane-0": "lane-0", "spool": "spool", "link": "link", "perigeed": "status",
        "firmware": "firmware", "http": "http",
    },
    "perigee-gateway": {
        "perigee-gateway": "router", "archive": "archive", "admission": "admission", "wants": "wants",
        "status": "status", "http": "http",
    },
}  # fmt: skip


if not os.environ.get("PERIGEE_SLOW"):  # the others take another minute or two
    LOOPS = {"perigeed": {"spool": "spool"}, "perigee-gateway": {"archive": "archive"}}


def _find_each_hang(name: str, site: Site, hold_library: Path) -> None:
    order = site.folder / "hold"
    hold = {"LD_PRELOAD": str(hold_library), "PERIGEE_HOLD_FILE": str(order)}
    supervisor = site.supervise(name, QUICK, environment=hold)
    for lives, (thread, loop) in enumerate(LOOPS[name].items(), 1):
        _wait_ready(supervisor, lives)
        order.write_text(thread)
        wait_for(f"the end of a daemon whose {thread} hangs", lambda lives=lives: len(supervisor.ends) == lives, 60)
        order.unlink()
        assert supervisor.ends[-1].reason == "watchdog", supervisor.text()
        assert f"event=loop_stalled loop={loop} " in supervisor.text()
    _wait_ready(supervisor, len(LOOPS[name]) + 1)


def test_each_loop_that_hangs_is_found_and_the_daemon_started_again(
    site: Site, other_site: Site, hold_library: Path
) -> None:
    # both at once, each alone: what takes time is the watchdog
    with ThreadPoolExecutor() as pool:
        list(pool.map(_find_each_hang, LOOPS, (site, other_site), (hold_library, hold_library)))


def test_a_slow_sync_is_no_hang(site: Site) -> None:
    library = build(site.folder / "library")
    folders = {"perigee-gateway": site.gateway.archive, "perigeed": site.station.spool}
    slow = {name: Interposer(library, folder, site.folder / "control") for name, folder in folders.items()}
    times = Times(watchdog=6, restart=0.2, stop=30)
    running = {name: site.supervise(name, times, environment=slow[name].environment()) for name in folders}
    for supervisor in running.values():
        _wait_ready(supervisor)
    source = Source(site.frames, size=5_000)
    source.connect()
    begun = {}
    # the gateway first: what the station does not store it does not send
    for name, disk in slow.items():
        disk.delay(3 * times.watchdog)
        source.give()

        def is_inside(disk: Interposer = disk) -> bool:
            source.drive(20)
            return disk.waiting > 0

        wait_for(f"a sync of {name} to be slow", is_inside)
        begun[name] = time.monotonic()
    for name, disk in slow.items():
        supervisor = running[name]
        # another one may begin at once, and is one too many
        over = begun[name] + 3 * times.watchdog
        wait_for(
            "it to be over",
            lambda d=disk, s=supervisor, o=over: d.waiting == 0 or time.monotonic() > o or bool(s.ends),
            60,
        )
        disk.heal()
        assert time.monotonic() - begun[name] > times.watchdog, "the sync was not slow"
        assert supervisor.ends == [], supervisor.text()
    source.close()


def test_storage_faults_make_the_station_wait_longer_before_each_start(site: Site) -> None:
    bad = Interposer(build(site.folder / "library"), site.station.spool, site.folder / "control")
    bad.fail(1, ("fdatasync",), mode="from")
    station = site.supervise("perigeed", QUICK, environment=bad.environment())
    wait_for("three ends", lambda: len(station.ends) >= 3, 120)
    bad.heal()
    _wait_ready(station)
    assert [end.code for end in station.ends] == [74] * 3, station.text()
    waits = [line.split("seconds=")[1].split()[0] for line in station.text().splitlines() if "storage_backoff" in line]
    assert waits == ["1", "2", "4"]
    assert (station.runtime / "storage-faults").exists()
    station.stop()
    assert station.ends[-1].code == 0


@pytest.mark.parametrize("name", ["perigeed", "perigee-gateway"])
def test_a_reload_is_told_from_its_begin_to_its_end_whatever_comes_of_it(name: str, site: Site) -> None:
    end = site.station if name == "perigeed" else site.gateway
    configuration = end.status_file.parent / f"{end.status_file.stem}.toml"
    good = configuration.read_text()
    supervisor = site.supervise(name, QUICK)
    _wait_ready(supervisor)
    process = supervisor.process_id
    for text, event in ((good, "configuration_loaded"), ("[nonsense]\nx = 1\n" + good, "configuration_refused")):
        configuration.write_text(text)
        since = len(supervisor.heard)
        begun = time.monotonic_ns() // 1000
        supervisor.reload()
        wait_for("READY", lambda since=since: bool(supervisor.said("READY", since)), 30)
        words = [word for word in supervisor.heard[since:] if word.values.keys() & {"RELOADING", "READY"}]
        assert [sorted(word.values.keys() & {"RELOADING", "READY"}) for word in words] == [["RELOADING"], ["READY"]]
        stamp = int(words[0].values["MONOTONIC_USEC"])
        assert begun <= stamp <= time.monotonic_ns() // 1000
        wait_for("the log", lambda event=event: f"event={event} " in supervisor.text(), 10)
    assert supervisor.process_id == process and supervisor.ends == []


@pytest.mark.parametrize("name", ["perigeed", "perigee-gateway"])
def test_signals_that_come_faster_than_they_are_asked_for_end_nobody(name: str, site: Site) -> None:
    """A thread that a library began before `main` takes them while nobody waits, and must pass them on."""
    supervisor = site.supervise(name, QUICK, environment={"OPENBLAS_NUM_THREADS": "2"})
    _wait_ready(supervisor)
    process = supervisor.process_id
    for _ in range(500):
        supervisor.reload()
        time.sleep(0.001)  # not to wait for anything: so that they come while an earlier one is worked on
    wait_for("a reload", lambda: "event=configuration_loaded " in supervisor.text(), 30)
    wait_for("READY", lambda: supervisor.said("READY") != [], 30)
    assert supervisor.process_id == process and supervisor.ends == []
    supervisor.stop()
    assert [end.code for end in supervisor.ends] == [0]

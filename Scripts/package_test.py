"""The part of Scripts/package-test that boots machines: in namespaces of its own, with no way out.

`package_test.py WORK FETCHED INSTALLED [record]`: WORK is an own folder on a disk; then what Scripts/debian-root said.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from faults.daemons import ROOT, TrialError, wait_for
from service.library import check_library
from service.machine import PATIENCE, Machine, packages

RATE = 60  # seconds from frame to frame, where octets a day are said
IDLE = 30.0  # seconds without a commit, after which a station is idle
STATE = "/var/lib/perigee"
# what Debian's own tools and packages write while anything is installed
FOREIGN = re.compile(
    r"^/(var/(lib/(dpkg|apt|systemd|pam|ucf|dbus)|cache|log)|etc/(ld\.so\.cache|machine-id|(passwd|group|g?shadow)-?$|\.pwd\.lock|"
    r"mtab|resolv\.conf|hostname|localtime|timezone|dpkg)|root/|tmp/|var/tmp/|run/|proc/|sys/|dev/)"
)


def check(condition: bool, message: str) -> None:
    if not condition:
        raise TrialError(message)


def blocks(page: str, place: str = "") -> list[str]:
    """Shell blocks of a page, those of one place (the word behind `sh`)."""
    text = (ROOT / "Docs" / page).read_text()
    return [
        body for word, body in re.findall(r"^```sh *(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if word == place
    ]


def step(text: str) -> None:
    sys.stdout.write(f"{time.monotonic() - START:6.1f} s  {text}\n")
    sys.stdout.flush()


def delivered(status: dict, frames: int) -> bool:
    link = status.get("link", {})
    return status.get("ledger", {}).get("spooled", 0) >= frames and link.get("held_packets") == 0


def wait(what: str, condition: Callable[[], bool]) -> None:
    wait_for(what, condition, PATIENCE)


def first_station(machine: Machine) -> None:
    """Docs/first-station.md word for word, on a machine of its own."""
    for block in blocks("first-station.md"):
        if "perigee status" in block:
            wait("the frames to be delivered", lambda: delivered(machine.status(), 6))
        said = machine.run(block)
    check(len(set(re.findall(r"\S+\.tif", said))) == 6, f"six frames were sent, and rendering gave\n{said}")
    step("first-station.md: six frames became six products")


def installation(station: Machine, gateway: Machine) -> None:
    """Docs/installation.md word for word, on two machines; what somebody carries between them is carried here."""
    text = (ROOT / "Docs/installation.md").read_text()
    for place, body in re.findall(r"^```sh (station|gateway)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        machine = station if place == "station" else gateway
        if "apt-get" in body and place == "station":
            carry("gateway.pub", gateway, station)
        if "keys allow" in body:
            carry("station.pub", station, gateway)
        if "archive list" in body:
            wait("the frame to be delivered", lambda: delivered(station.status(), 1))
        said = machine.run(body)
        if "apt-get" in body and place == "station":
            after_install(station)
    check("alpha-1" in said, f"the archive lists no frame of alpha-1:\n{said}")
    step("installation.md: a frame went from one machine to the other")


def carry(key: str, origin: Machine, to: Machine) -> None:
    shutil.copy(origin.root / "etc/perigee/keys" / key, to.root / "root" / key)


def after_install(station: Machine) -> None:
    """What a fresh station has, and what it does without."""
    names = station.run("dpkg-query -W -f '${Package}\\n'").split()
    check(not [name for name in names if "gdal" in name], "the station's package brings GDAL")
    check("not found" not in station.run("ldd /usr/bin/perigee /usr/bin/perigeed"), "a library is missing")
    check("perigee-gateway" in station.run("perigee encode a.tif -o b.pgt", code=69), "encode names no package")
    check(station.ask("systemctl is-enabled perigeed") == "enabled", "perigeed is not enabled")
    check(station.ask("systemctl is-active perigeed") == "inactive", "perigeed runs without keys")
    pages = re.findall(r"file:(\S+)", station.run("cat /lib/systemd/system/perigeed.service"))
    check(bool(pages), "the unit names no page")
    for page in pages:
        station.run(f"test -f {page}")
    step("installed on a clean Debian 12, without GDAL")


def octets_written(station: Machine) -> int:
    text = station.run(f"cat /proc/{station.process_of('perigeed')}/io")
    return int(re.search(r"^write_bytes: (\d+)", text, re.MULTILINE)[1])


def memory(machine: Machine, unit: str) -> int:
    """Octets of memory that are this process's own, shared ones by their share."""
    text = machine.run(f"cat /proc/{machine.process_of(unit)}/smaps_rollup")
    return int(re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)[1]) * 1024


def changed(station: Machine, name: str) -> float:
    """When a file of the spool was written last."""
    return (station.root / STATE.lstrip("/") / "spool" / name).stat().st_mtime


def on_disk(station: Machine) -> bool:
    """Whether the spool's file has taken its log in, as it does 30 s after the last time or when the log is long."""
    return changed(station, "spool.db") >= changed(station, "spool.db-wal")


def disk(station: Machine) -> dict:
    """Octets that perigeed has the disk write, for each frame with all that is kept of it, and idle."""
    station.run("systemctl restart perigeed")  # what frames before left in the log is in the file then
    wait("its link", lambda: station.status().get("link", {}).get("state") == "live")
    spooled = station.status()["ledger"]["spooled"]
    before, frames = octets_written(station), 20
    station.run(f"perigee simulate --publish --visits {frames} --rate 4")
    wait("the frames to be delivered", lambda: delivered(station.status(), spooled + frames))
    wait("the frames to be on the disk", lambda: on_disk(station))
    per_frame = (octets_written(station) - before) / frames
    idle = idle_rate(station)
    step("octets to the disk measured")
    return {
        "idle_bytes_per_day": round(idle * 86_400),
        "bytes_per_frame": round(per_frame),
        "seconds_between_frames": RATE,
        "bytes_per_day": round(idle * 86_400 + per_frame * 86_400 / RATE),
    }


def idle_rate(station: Machine) -> float:
    """Octets a second from one commit to the next, where nothing else is to do: these lie a minute apart."""
    last, before = changed(station, "spool.db-wal"), octets_written(station)

    def is_idle_commit() -> bool:
        nonlocal last, before
        latest = changed(station, "spool.db-wal")
        if latest - last < IDLE and latest > last:
            last, before = latest, octets_written(station)  # of the last frame's
        return latest - last >= IDLE

    wait("a commit of the idle station", is_idle_commit)
    seconds = changed(station, "spool.db-wal") - last
    wait("it to be on the disk", lambda: on_disk(station))
    return (octets_written(station) - before) / seconds


def full_spool(station: Machine, gateway: Machine, upgrade: pathlib.Path) -> None:
    """Upgrade and downgrade without the gateway, the spool so full that it gave packets up: it loses no other."""
    gateway.run("systemctl stop perigee-gateway")
    edits = ['s/^quota_bytes = .*/quota_bytes = "8 MiB"/', 's/^reserved_bytes = .*/reserved_bytes = "1 MiB"/']
    edits += [f's/^{ring}_ring_bytes = .*/{ring}_ring_bytes = "1 MiB"/' for ring in ("sent", "finer", "raw")]
    edits += ['s/^target = "300x"/target = "lossless"/']
    for edit in edits:
        station.run(f"sed -i '{edit}' /etc/perigee/perigeed.toml")
    station.run("perigeed --check --config /etc/perigee/perigeed.toml && systemctl restart perigeed")
    wait("the spool to be read", lambda: held(station) == 0)
    frames = station.status()["ledger"]["received"] + 6
    station.run("perigee simulate --publish --visits 6 --rows 528 --columns 528")
    wait("the frames to be spooled", lambda: settled(station, frames))
    waiting, status = held(station), station.status()
    check(status["spool"]["tombstones"] > 0 and waiting > 500, f"the spool is not full: {status['spool']}")
    for package, flag in ((upgrade, ""), (packages()[0], "--allow-downgrades ")):
        for path in (station.root / "root").glob("*.deb"):
            path.unlink()
        shutil.copy(package, station.root / "root")
        process = station.process_of("perigeed")
        station.run(f"apt-get install -y {flag}./perigee_*.deb")
        check(station.process_of("perigeed") not in ("0", process), "perigeed was not restarted by its package")
        wait("the spool to be read", lambda: held(station) == waiting)
    gateway.run("systemctl start perigee-gateway")
    wait("the spool to be delivered", lambda: held(station) == 0)
    said = gateway.run(
        "perigee archive gaps /var/lib/perigee/archive && perigee archive verify /var/lib/perigee/archive"
    )
    archive = said.strip().splitlines()[-1]
    step(f"upgraded and downgraded with {waiting} packets in a full spool, all delivered: {archive}")


def held(station: Machine) -> int:
    return station.status().get("link", {}).get("held_packets", -1)


def settled(station: Machine, frames: int) -> bool:
    ledger = station.status().get("ledger", {})
    return ledger.get("received", 0) >= frames and ledger.get("in_work") == 0


def files(machine: Machine) -> set[str]:
    found = machine.run(
        "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \\) -prune -o -print"
    )
    return {line for line in found.splitlines() if not FOREIGN.match(line)}


def purge(station: Machine, before: set[str]) -> None:
    said = station.run("apt-get purge -y perigee && apt-get autoremove -y --purge")
    check("stays" in said, f"purge does not say what it leaves:\n{said}")
    owned = set(station.run("cat /var/lib/dpkg/info/*.list").splitlines())
    owned |= {f"/usr{path}" for path in owned}  # /lib is a link to /usr/lib, and packages name either
    left = {
        path for path in files(station) - before - owned if not path.startswith((STATE + "/", "/etc/perigee/keys/"))
    }
    # what Debian's clock, which the package recommends, links when it is installed
    left -= {path for path in left if re.search(r"timesync", path)}
    allowed = {STATE, "/etc/perigee", "/etc/perigee/keys"}
    check(left <= allowed, f"purge leaves {sorted(left - allowed)}")
    check(STATE + "/spool" in files(station), "purge has removed the spool")
    step("purged: keys and spool are left, and nothing else")


def size(path: pathlib.Path) -> dict:
    """Octets of a package, and of what it installs."""
    installed = subprocess.run(["dpkg-deb", "-f", path, "Installed-Size"], check=True, capture_output=True, text=True)
    return {"bytes": path.stat().st_size, "installed_bytes": int(installed.stdout) * 1024}


def table(result: dict) -> list[str]:
    """The figures for people."""

    def mega(octets: int) -> str:
        return f"{octets / 1e6:.1f} MB"

    lines = ["| what | figure |", "|---|---|"]
    for name, found in result["packages"].items():
        lines.append(f"| package `{name}` | {mega(found['bytes'])}, installed {mega(found['installed_bytes'])} |")
    for name, found in result["memory"].items():
        lines.append(f"| memory of `{name}` after its first frames, idle | {mega(found)} |")
    disk = result["disk"]
    lines.append(f"| octets that an idle station writes to the disk | {mega(disk['idle_bytes_per_day'])} a day |")
    lines.append(
        f"| the same with a frame of 12 bands and 264 x 264 samples every {disk['seconds_between_frames']} s | "
        f"{mega(disk['bytes_per_day'])} a day, {disk['bytes_per_frame'] / 1e3:.0f} kB a frame |"
    )
    return lines


def record(result: dict) -> None:
    """Writes the figures where documents quote them."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    result["commit"] = commit.stdout.strip()
    (ROOT / "Benchmarks/results/package.json").write_text(json.dumps(result, indent=1) + "\n")
    page = ROOT / "Docs/installation.md"
    lines = [*table(result), "", f"Measured by `Scripts/package-test record` at {result['commit']}."]
    text = re.sub(
        r"(<!-- package begin -->\n).*?(<!-- package end -->)",
        lambda found: found[1] + "\n".join(lines) + "\n" + found[2],
        page.read_text(),
        flags=re.DOTALL,
    )
    page.write_text(text)


def line() -> None:
    """A line between two machines that reach nothing else."""
    script = """
        mkdir -p /run/netns; mount -t tmpfs tmpfs /run/netns
        ip netns add station; ip netns add gateway
        ip link add end netns station type veth peer name end netns gateway
        ip -n station addr add 10.0.0.2/24 dev end; ip -n gateway addr add 10.0.0.1/24 dev end
        for name in station gateway; do ip -n $name link set lo up; ip -n $name link set end up; done
    """
    subprocess.run(["sh", "-e", "-c", script], check=True)


def next_version(work: pathlib.Path) -> pathlib.Path:
    """The station's package under the next version."""
    path, tree = packages()[0], work / "repack"
    subprocess.run(["dpkg-deb", "-R", path, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+next", control.read_text(), flags=re.MULTILINE))
    made = work / path.name.replace("_", "_next_", 1)
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


def policy() -> None:
    """What Debian's lintian says of both packages; Debian/*.lintian-overrides say why where it is told to be silent."""
    words = ["lintian", "--allow-root", "--fail-on", "error,warning", *packages()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"lintian has findings:\n{done.stdout}{done.stderr}")
    step("lintian has nothing to say")


def alone(work: pathlib.Path, layer: str) -> dict:
    """One machine with both packages: its first station, then what that writes to the disk."""
    machine = Machine(work, "first", layer)
    try:
        for path in packages():
            shutil.copy(path, machine.root / "root")
        machine.boot()
        first_station(machine)
        check_library(machine)
        step("libPerigeeC decodes the golden vector for a C program, made with the installed header")
        return disk(machine)
    finally:
        machine.power_off()


def two_machines(work: pathlib.Path, fetched: str, installed: str, upgrade: Future[pathlib.Path]) -> dict:
    """A station and a gateway: installed, upgraded, downgraded, purged. Answers their memory."""
    line()
    station, gateway = Machine(work, "station", fetched), Machine(work, "gateway", installed)
    try:
        shutil.copy(packages()[0], station.root / "root")
        for path in packages():
            shutil.copy(path, gateway.root / "root")
        station.boot("station")
        gateway.boot("gateway")
        step("two machines are up")
        before = files(station)
        installation(station, gateway)
        found = {"perigeed": memory(station, "perigeed"), "perigee-gateway": memory(gateway, "perigee-gateway")}
        full_spool(station, gateway, upgrade.result())
        purge(station, before)
        return found
    finally:
        station.power_off()
        gateway.power_off()


def main() -> None:
    work = pathlib.Path(sys.argv[1])
    fetched, installed = sys.argv[2:4]
    with ThreadPoolExecutor() as pool:
        upgrade = pool.submit(next_version, work)
        of_one = pool.submit(alone, work, installed)
        of_debian = pool.submit(policy)
        of_two = pool.submit(two_machines, work, fetched, installed, upgrade)
    of_debian.result()
    result = {
        "packages": {path.name.split("_")[0]: size(path) for path in packages()},
        "memory": of_two.result(),
        "disk": of_one.result(),
    }
    sys.stdout.write("".join(f"{line}\n" for line in table(result)))
    if sys.argv[4:] == ["record"]:
        record(result)


START = time.monotonic()
if __name__ == "__main__":
    try:
        main()
    except TrialError as error:
        raise SystemExit(f"package-test: {error}") from None

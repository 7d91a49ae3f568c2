"""The part of Scripts/package-test that runs with both machines booted: in namespaces of its own, with no way out.

`package_test.py WORK [record]`: WORK holds the roots `station` and `gateway`, the packages in `packages` and `next`.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 120.0  # seconds that anything may take
RATE = 60  # seconds from frame to frame, where octets a day are said
QUIET = 30.0  # seconds without a write of a frame, after which the disk has everything
STATE = "/var/lib/perigee"
# what Debian's own tools and packages write while anything is installed
FOREIGN = re.compile(
    r"^/(var/(lib/(dpkg|apt|systemd|pam|ucf|dbus)|cache|log)|etc/(ld\.so\.cache|machine-id|(passwd|group|g?shadow)-?$|\.pwd\.lock|"
    r"mtab|resolv\.conf|hostname|localtime|timezone|dpkg)|root/|tmp/|var/tmp/|run/|proc/|sys/|dev/)"
)


class Machine:
    """A root with systemd as its first process."""

    def __init__(self, work: pathlib.Path, name: str) -> None:
        self.root = work / name
        self.name = name
        (self.root / "etc/machine-id").write_text("")
        self.process: subprocess.Popen[bytes] | None = None
        self.leader = 0

    def boot(self) -> None:
        with (self.root.parent / f"{self.name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--register=no"),
                    *("--keep-unit", "--console=pipe", f"--hostname={self.name}", "--resolv-conf=off"),
                    *("--timezone=off", f"--network-namespace-path=/run/netns/{self.name}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait(f"{self.name} to boot", self._is_up)

    def _is_up(self) -> bool:
        self.leader = self._child()  # another one at first: nspawn forks twice
        return self.leader > 0 and self.ask("systemctl is-system-running") in ("running", "degraded")

    def _child(self) -> int:
        process = self.process
        if process is None or process.poll() is not None:
            raise SystemExit(f"{self.name} did not start: {(self.root.parent / f'{self.name}.log').read_text()}")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs a script as somebody would who is logged in as root."""
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-r", "-w"]
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb"]
        return subprocess.run(
            [*enter, *environment, "DEBIAN_FRONTEND=noninteractive", "sh", "-e", "-c", f"cd /root\n{script}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def run(self, script: str, code: int = 0) -> str:
        """Runs a script that must end with `code`; answers all that it said."""
        done = self.shell(script)
        said = done.stdout + done.stderr
        if done.returncode != code:
            journal = self.shell("journalctl -n 40 --no-pager -o cat").stdout
            raise SystemExit(
                f"{self.name}: exit code {done.returncode}, expected {code}, of\n{script}\n{said}\n{journal}"
            )
        return said

    def ask(self, script: str) -> str:
        return self.shell(script).stdout.strip()

    def status(self, daemon: str = "perigee") -> dict:
        """What a daemon says of itself; empty before it says anything."""
        try:
            return json.loads(self.ask(f"cat /run/{daemon}/status.json"))
        except json.JSONDecodeError:
            return {}

    def process_of(self, unit: str) -> str:
        return self.ask(f"systemctl show -P MainPID {unit}")

    def files(self) -> set[str]:
        found = self.run(
            "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \\) -prune -o -print"
        )
        return {line for line in found.splitlines() if not FOREIGN.match(line)}

    def stop(self) -> None:
        if self.process is not None and self.leader:
            os.kill(self.leader, signal.SIGRTMIN + 4)
            self.process.wait(timeout=PATIENCE)


def wait(what: str, condition: Callable[[], T]) -> T:
    """Waits until `condition` gives something that is true, and answers it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"waited {PATIENCE:.0f} s in vain for {what}")


def check(condition: bool, message: str) -> None:
    if not condition:
        raise SystemExit(f"package-test: {message}")


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


def first_station(gateway: Machine) -> None:
    """Docs/first-station.md word for word, on the machine with both packages."""
    for block in blocks("first-station.md"):
        if "status.json" in block:
            wait("the frames to be delivered", lambda: delivered(gateway.status(), 6))
        said = gateway.run(block)
    check(len(set(re.findall(r"\S+\.tif", said))) == 6, f"six frames were sent, and rendering gave\n{said}")
    gateway.run("systemctl stop perigeed")
    step("first-station.md: six frames became six products")


def installation(station: Machine, gateway: Machine) -> None:
    """Docs/installation.md word for word, on two machines; what somebody carries between them is carried here."""
    text = (ROOT / "Docs/installation.md").read_text()
    for place, body in re.findall(r"^```sh (station|gateway)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        machine = station if place == "station" else gateway
        if "keys gen gateway" in body:
            # the first page has made its keys already, and nothing is made over
            gateway.run("rm /etc/perigee/keys/gateway.* && systemctl stop perigee-gateway")
        if "apt-get" in body and place == "station":
            key = gateway.root / "etc/perigee/keys/gateway.pub"
            (station.root / "root/gateway.pub").write_bytes(key.read_bytes())
        if "keys allow" in body:
            key = station.root / "etc/perigee/keys/station.pub"
            (gateway.root / "root/station.pub").write_bytes(key.read_bytes())
        if "archive list" in body:
            wait("the frame to be delivered", lambda: delivered(station.status(), 1))
        said = machine.run(body)
        if "apt-get" in body and place == "station":
            after_install(station)
    check("alpha-1" in said, f"the archive lists no frame of alpha-1:\n{said}")
    step("installation.md: a frame went from one machine to the other")


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


def quiet(station: Machine) -> int:
    """Waits until the disk has nothing more of earlier frames to take; answers what was written so far.

    The spool moves the last frames out of its log when nothing came for a while, so one quiet look is none.
    """
    last, since = octets_written(station), time.monotonic()
    while time.monotonic() - since < QUIET:
        time.sleep(2)
        now = octets_written(station)
        if now - last > 65_536:
            last, since = now, time.monotonic()
    return octets_written(station)


def disk(station: Machine) -> dict:
    """Octets that perigeed has the disk write, idle and for each frame with all that is kept of it."""
    before = quiet(station)
    start = time.monotonic()
    frames_before = station.status()["ledger"]["spooled"]
    time.sleep(30)  # a measure, not a wait
    idle = (octets_written(station) - before) / (time.monotonic() - start)
    start, before, frames = time.monotonic(), octets_written(station), 20
    station.run(f"perigee simulate --publish --visits {frames} --rate 2")
    wait("the frames to be delivered", lambda: delivered(station.status(), frames_before + frames))
    written = quiet(station) - before - idle * (time.monotonic() - start)
    step("octets to the disk measured")
    per_frame = max(0.0, written / frames)
    return {
        "idle_bytes_per_day": round(idle * 86_400),
        "bytes_per_frame": round(per_frame),
        "seconds_between_frames": RATE,
        "bytes_per_day": round(idle * 86_400 + per_frame * 86_400 / RATE),
    }


def full_spool(station: Machine, gateway: Machine, work: pathlib.Path) -> None:
    """Upgrade and downgrade while the gateway is away and the spool is as full as it may be: nothing is lost."""
    gateway.run("systemctl stop perigee-gateway")
    edits = ['s/^quota_bytes = .*/quota_bytes = "64 MiB"/', 's/^reserved_bytes = .*/reserved_bytes = "8 MiB"/']
    edits += [f's/^{ring}_ring_bytes = .*/{ring}_ring_bytes = "1 MiB"/' for ring in ("sent", "finer", "raw")]
    edits += ['s/^target = "300x"/target = "lossless"/']
    for edit in edits:
        station.run(f"sed -i '{edit}' /etc/perigee/perigeed.toml")
    station.run("perigeed --check --config /etc/perigee/perigeed.toml && systemctl restart perigeed")
    before = held(station)
    station.run("perigee simulate --publish --visits 12 --rows 528 --columns 528")
    wait("the frames to be spooled", lambda: settled(station, 12))
    waiting = held(station)
    check(waiting > before + 12, f"{waiting} packets wait in the spool, more were expected")
    for folder, flag in (("next", ""), ("packages", "--allow-downgrades ")):
        for path in (station.root / "root").glob("*.deb"):
            path.unlink()
        for path in (work / folder).glob("perigee_*.deb"):
            (station.root / "root" / path.name).write_bytes(path.read_bytes())
        process = station.process_of("perigeed")
        station.run(f"apt-get install -y {flag}./perigee_*.deb")
        check(station.process_of("perigeed") not in ("0", process), "perigeed was not restarted by its package")
        wait("the spool to be read", lambda: held(station) == waiting)
    gateway.run("systemctl start perigee-gateway")
    wait("the spool to be delivered", lambda: held(station) == 0)
    said = gateway.run(
        "perigee archive gaps /var/lib/perigee/archive && perigee archive verify /var/lib/perigee/archive"
    )
    step(f"upgraded and downgraded with {waiting} packets in the spool, all delivered: {said.strip().splitlines()[-1]}")


def held(station: Machine) -> int:
    return station.status().get("link", {}).get("held_packets", -1)


def settled(station: Machine, frames: int) -> bool:
    ledger = station.status().get("ledger", {})
    return ledger.get("spooled", 0) >= frames and ledger.get("in_work") == 0


def purge(station: Machine, before: set[str]) -> None:
    said = station.run("apt-get purge -y perigee && apt-get autoremove -y --purge")
    check("stays" in said, f"purge does not say what it leaves:\n{said}")
    owned = set(station.run("cat /var/lib/dpkg/info/*.list").splitlines())
    owned |= {f"/usr{path}" for path in owned}  # /lib is a link to /usr/lib, and packages name either
    left = {
        path for path in station.files() - before - owned if not path.startswith((STATE + "/", "/etc/perigee/keys/"))
    }
    # what Debian's clock, which the package recommends, links when it is installed
    left -= {path for path in left if re.search(r"timesync", path)}
    allowed = {STATE, "/etc/perigee", "/etc/perigee/keys"}
    check(left <= allowed, f"purge leaves {sorted(left - allowed)}")
    check(STATE + "/spool" in station.files(), "purge has removed the spool")
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


def main() -> None:
    work = pathlib.Path(sys.argv[1])
    line()
    station, gateway = Machine(work, "station"), Machine(work, "gateway")
    station.boot()
    gateway.boot()
    step("two machines are up")
    before = station.files()
    first_station(gateway)
    installation(station, gateway)
    result = {
        "packages": {path.name.split("_")[0]: size(path) for path in sorted((work / "packages").glob("*.deb"))},
        "memory": {
            "perigeed": memory(station, "perigeed"),
            "perigee-gateway": memory(gateway, "perigee-gateway"),
        },
        "disk": disk(station),
    }
    full_spool(station, gateway, work)
    purge(station, before)
    sys.stdout.write("".join(f"{line}\n" for line in table(result)))
    if sys.argv[2:] == ["record"]:
        record(result)
    station.stop()
    gateway.stop()


START = time.monotonic()
if __name__ == "__main__":
    main()

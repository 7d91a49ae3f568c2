"""A Debian machine in a container, with systemd as process 1: what is written lies over a root that tests share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from faults.daemons import ROOT, TrialError, wait_for

PATIENCE = 120.0  # seconds that anything may take
_ENTER = 'for group in $0; do mkdir "$group"; echo $$ >"$group/cgroup.procs"; done; exec "$@"'


def packages() -> list[Path]:
    """What Scripts/deb built: the station's package and the gateway's."""
    folder = ROOT / ".build" / "deb"
    return [path for name in ("perigee", "perigee-gateway") for path in folder.glob(f"{name}_*.deb")]


def layers() -> tuple[str, str]:
    """Clean roots, by Scripts/debian-root: what the station's package needs is at hand; what both need is installed."""
    done = subprocess.run([ROOT / "Scripts/debian-root", *packages()], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TrialError(done.stderr.strip())
    fetched, installed = done.stdout.split()
    return fetched, installed


def _own_groups() -> list[Path]:
    """This process's control groups. A machine gets one below: in a shared one each ends the others' programs."""
    mounts = {"name=systemd": Path("/sys/fs/cgroup/systemd"), "": Path("/sys/fs/cgroup/unified")}
    if not mounts[""].is_dir():
        mounts[""] = Path("/sys/fs/cgroup")
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    return [mounts[name] / path.lstrip("/") for _, name, path in lines if name in mounts]


class Machine:
    """One root, booted once. Mounts are those of the caller's namespace (`unshare -m`)."""

    def __init__(self, work: Path, name: str, layer: str) -> None:
        """`work`: an own folder on a disk; `layer`: one of `layers`."""
        self.name = name
        self.root = work / name
        self._log = work / f"{name}.log"
        self._container: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._groups = [folder / f"perigee-{os.getpid()}-{name}" for folder in _own_groups()]
        folders = [self.root, work / f"{name}.upper", work / f"{name}.inner"]
        for folder in folders:
            folder.mkdir()
        options = f"lowerdir={layer},upperdir={folders[1]},workdir={folders[2]}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        (self.root / "etc/machine-id").write_text("")

    def boot(self, network: str | None = None) -> None:
        """Until systemd says how it is. `network`: a namespace in /run/netns, else one that leads nowhere."""
        line = f"--network-namespace-path=/run/netns/{network}" if network else "--private-network"
        with self._log.open("wb") as log:
            self._container = subprocess.Popen(
                [
                    *("sh", "-ec", _ENTER, " ".join(map(str, self._groups))),
                    *("systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--register=no"),
                    *("--keep-unit", "--console=pipe", f"--hostname={self.name}", "--resolv-conf=off"),
                    *("--timezone=off", line),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        wait_for(f"{self.name} to boot", self._is_up, PATIENCE)

    def _is_up(self) -> bool:
        container = self._container
        if container is None or container.poll() is not None:
            raise TrialError(f"{self.name} does not boot: {self._log.read_text()[-500:]}")
        children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()
        self._leader = int(children[0]) if children else 0  # another one at first: nspawn forks twice
        return self._leader > 0 and self.ask("systemctl is-system-running") in ("running", "degraded")

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs a script as somebody would who is logged in as root."""
        enter = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb"]
        return subprocess.run(
            [*enter, *environment, "DEBIAN_FRONTEND=noninteractive", "sh", "-e", "-c", f"cd /root\n{script}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * PATIENCE,
        )

    def run(self, script: str, code: int = 0) -> str:
        """Runs a script that must end with `code`; answers all that it said."""
        done = self.shell(script)
        said = done.stdout + done.stderr
        if done.returncode != code:
            journal = self.shell("journalctl -n 40 --no-pager -o cat").stdout
            raise TrialError(
                f"{self.name}: exit code {done.returncode}, expected {code}, of\n{script}\n{said}\n{journal}"
            )
        return said

    def ask(self, script: str) -> str:
        """What a script printed, however it ended."""
        return self.shell(script).stdout.strip()

    def run_on_its_network(self, *words: str) -> str:
        """What a program of this machine printed that sees only the network of the other one."""
        inside = ["nsenter", "-t", str(self._leader), "-n", *words]
        return subprocess.run(inside, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout.strip()

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.ask(f"systemctl show -P {name} {unit}")

    def wait_for(self, unit: str, name: str, wanted: str) -> None:
        """Until a property of a unit is so."""
        wait_for(f"{name} of {unit} to be {wanted}", lambda: self.show(unit, name) == wanted, PATIENCE)

    def status(self, daemon: str = "perigee") -> dict:
        """What a daemon says of itself; empty before it says anything."""
        path = Path(f"/proc/{self._leader}/root/run/{daemon}/status.json")
        try:
            return json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def process_of(self, unit: str) -> str:
        """The number of a unit's process inside."""
        return self.show(unit, "MainPID")

    def write(self, path: str, text: str) -> None:
        """A file inside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def power_off(self) -> None:
        """Ends it in order, and takes its root away from where it was mounted."""
        container = self._container
        if container is not None and container.poll() is None:
            if self._leader:
                os.kill(self._leader, signal.SIGRTMIN + 4)
            else:
                container.terminate()
            try:
                container.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                container.kill()
                container.wait()
        subprocess.run(["umount", self.root], check=True)
        for group in self._groups:
            subprocess.run(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False)

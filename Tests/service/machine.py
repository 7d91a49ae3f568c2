"""A Debian machine in a container, with systemd as process 1 and our packages installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from faults.daemons import ROOT, TrialError, wait_for

WORK = ROOT / ".build" / "boot"
# what the packages of the daemons ask for; the gateway's raster commands, and GDAL with them, are not tried here
LIBRARIES = (
    "libopenblas0-pthread",
    "libzstd1",
    "libsodium23",
    "libmicrohttpd12",
    "libsqlite3-0",
    "libzmq5",
    "libstdc++6",
)


def packages() -> dict[str, Path]:
    """The newest package of each name that Scripts/deb built."""
    folder = Path(os.environ.get("PERIGEE_PACKAGES", ROOT / ".build" / "deb"))
    found = sorted(folder.glob("*.deb"), key=lambda path: path.stat().st_mtime)
    return {path.name.split("_")[0]: path for path in found}


def obstacle() -> str | None:
    """Why a machine cannot be booted here; None where it can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in ("systemd-nspawn", "debootstrap") if shutil.which(name) is None]
    if missing:
        return f"install systemd-container and debootstrap: missing {', '.join(missing)}"
    if not {"perigee", "perigee-gateway"} <= set(packages()):
        return "build the packages: Scripts/deb"
    return None


def _base() -> Path:
    """A minimal Debian 12 with systemd, made once, from the mirror of debootstrap or $PERIGEE_MIRROR."""
    base = WORK / "base"
    if not base.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        half = WORK / "base.new"
        shutil.rmtree(half, ignore_errors=True)
        include = ",".join(("systemd", "systemd-sysv", "dbus", *LIBRARIES))
        words = ["debootstrap", "--variant=minbase", f"--include={include}", "bookworm", str(half)]
        mirror = os.environ.get("PERIGEE_MIRROR")
        subprocess.run([*words, *([mirror] if mirror else [])], check=True, stdout=subprocess.DEVNULL)
        half.rename(base)
    return base


class Machine:
    """One boot of a copy of the base, with a network of its own."""

    def __init__(self) -> None:
        self.root = WORK / f"root-{os.getpid()}"
        self.remove()
        subprocess.run(["cp", "-a", "--reflink=auto", str(_base()), str(self.root)], check=True)
        built = packages()
        for name, options in (("perigee", []), ("perigee-gateway", ["--force-depends"])):
            shutil.copy(built[name], self.root / "tmp")
            words = ["chroot", str(self.root), "dpkg", *options, "-i", f"/tmp/{built[name].name}"]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise TrialError(f"{name} cannot be installed: {done.stderr}")
        self._log = (WORK / "boot.log").open("wb")
        self._container: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> float:
        """Until systemd says how it is; answers the seconds."""
        words = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"]
        self._container = subprocess.Popen(
            [*words, "--private-network", "-D", str(self.root)], stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=subprocess.STDOUT, env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )  # fmt: skip
        begun = time.monotonic()
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")

        def is_up() -> bool:
            if self._container is None or self._container.poll() is not None:
                raise TrialError(f"the machine does not boot: {(WORK / 'boot.log').read_text()[-500:]}")
            self._leader = int((children.read_text().split() or ["0"])[0])
            return self._leader > 0 and self.run("systemctl", "is-system-running", check=False) in (
                "running",
                "degraded",
            )

        wait_for("the machine to boot", is_up, 120)
        return time.monotonic() - begun

    def run(self, *words: str, check: bool = True) -> str:
        """What a command inside printed."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-p", "-n", "-C", *words]
        done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=120)
        if check and done.returncode != 0:
            raise TrialError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def run_on_its_network(self, *words: str) -> str:
        """What a program of this machine printed that sees only the network of the other one."""
        inside = ["nsenter", "-t", str(self._leader), "-n", *words]
        return subprocess.run(inside, capture_output=True, text=True, check=True, timeout=120).stdout.strip()

    def show(self, unit: str, property_name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "-P", property_name, unit)

    def wait_for(self, unit: str, property_name: str, wanted: str, timeout: float = 60) -> None:
        """Until a property of a unit is so."""
        wait_for(f"{property_name} of {unit} to be {wanted}", lambda: self.show(unit, property_name) == wanted, timeout)

    def write(self, path: str, text: str) -> None:
        """A file inside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def remove(self) -> None:
        """Takes away what an earlier run left."""
        subprocess.run(["rm", "-rf", str(self.root)], check=True)

    def power_off(self) -> None:
        """Ends it in order."""
        if self._container is None:
            return
        self.run("systemctl", "--no-block", "poweroff", check=False)
        try:
            self._container.wait(60)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()
        self._log.close()

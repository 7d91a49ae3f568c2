"""What systemd's own programs say of the files in Systemd/."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from service.conftest import UNITS
from service.unit import Unit

NAMES = ("perigeed", "perigee-gateway", "perigee-cluster-follow", "perigee-cluster-serve")
WORST = 11  # tenths


@pytest.mark.parametrize("name", NAMES)
def test_exposure_is_at_most_1_1(name: str) -> None:
    words = ["systemd-analyze", "security", "--offline=true", f"--threshold={WORST}", str(UNITS / f"{name}.service")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("name", NAMES)
def test_threshold_would_see_a_weaker_unit(name: str, tmp_path: Path) -> None:
    weaker = tmp_path / f"{name}.service"
    weaker.write_text((UNITS / f"{name}.service").read_text().replace("CapabilityBoundingSet=\n", ""))
    words = ["systemd-analyze", "security", "--offline=true", f"--threshold={WORST}", str(weaker)]
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


def _root(folder: Path) -> Path:
    """A root with our units, systemd's own, and something at the paths that ours name."""
    shutil.copytree("/usr/lib/systemd/system", folder / "usr/lib/systemd/system", symlinks=True)
    for program in ("usr/bin/perigeed", "usr/bin/perigee-gateway", "usr/bin/perigee-cluster", "bin/sh"):
        path = folder / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    for path in UNITS.glob("*.service"):
        shutil.copy(path, folder / "usr/lib/systemd/system")
    return folder


def _verify(root: Path, name: str) -> str:
    words = ["systemd-analyze", "verify", "--man=no", f"--root={root}", f"{name}.service"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    # the units of the machine that runs this may have findings of their own
    ours = [line for line in done.stderr.splitlines() if "perigee" in line]
    return "\n".join(ours) + ("" if done.returncode == 0 or not ours else f"\nexit {done.returncode}")


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_understood(name: str, tmp_path: Path) -> None:
    assert _verify(_root(tmp_path), name) == ""


def test_verify_would_see_a_line_that_is_not_understood(tmp_path: Path) -> None:
    root = _root(tmp_path)
    path = root / "usr/lib/systemd/system/perigeed.service"
    path.write_text(path.read_text().replace("Type=notify", "Type=notify-reload"))
    assert "perigeed.service" in _verify(root, "perigeed")


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_the_example_override_is_understood(name: str, tmp_path: Path) -> None:
    root = _root(tmp_path)
    text = (UNITS / "override.example.conf").read_text()
    lines = [
        line.removeprefix("#") if line.startswith("#") and "=" in line.split()[0] else line for line in text.split("\n")
    ]
    assert sum(1 for line in lines if line and not line.startswith(("#", "["))) == 4
    drop_in = root / f"etc/systemd/system/{name}.service.d/site.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("\n".join(lines))
    assert _verify(root, name) == ""


@pytest.mark.parametrize("name", NAMES)
def test_never_gives_up_and_never_starts_a_wrong_configuration_again(name: str) -> None:
    unit = Unit(UNITS / f"{name}.service")
    assert unit.all("StartLimitIntervalSec") == ["0"]
    assert unit.all("Restart") == ["always"]
    assert unit.words("RestartPreventExitStatus") == ["64", "78"]


def test_user_and_folders_are_made(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    for words in (
        ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "perigee.sysusers")],
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(UNITS / "perigee.tmpfiles")],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    user = next(line for line in (etc / "passwd").read_text().splitlines() if line.startswith("perigee:")).split(":")
    assert (user[5], user[6]) == ("/var/lib/perigee", "/usr/sbin/nologin")
    state = (tmp_path / "var/lib/perigee").stat()
    assert (state.st_mode & 0o777, state.st_uid) == (0o700, int(user[2]))
    assert (etc / "perigee/keys/stations").stat().st_mode & 0o777 == 0o755

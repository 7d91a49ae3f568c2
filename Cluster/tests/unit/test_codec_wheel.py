"""The wheel in a fresh environment, without the repository: it installs, finds its own library and codes a frame."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]

ROUND_TRIP = """
import sys
from pathlib import Path
import numpy as np
import perigee_codec
from perigee_codec import Model, Stream, library_path, prefix

assert Path(perigee_codec.__file__).is_relative_to(sys.prefix), perigee_codec.__file__
assert library_path().is_relative_to(sys.prefix), library_path()
samples = (2_000 + np.random.default_rng(1).normal(0, 30, (12, 70, 90))).cumsum(axis=2) % 9_000 + 500
samples = samples.astype(np.uint16)
stream = Stream(Model.open(Path("bundle")), "sentinel-2-l2a", samples.shape)
layers = stream.encode(samples, [500, 4 * samples.nbytes])
assert np.abs(stream.decode(layers).astype(int) - samples).max() <= 4
coefficients, choice = stream.forward(samples, choice=stream.intervals(layers).choice)
assert np.array_equal(stream.inverse(coefficients, choice), samples)
assert stream.intervals(prefix(layers, 300)).contain(coefficients).all()
window = stream.decode(layers, window=(10, 20, 30, 40))
assert np.array_equal(window, stream.decode(layers)[:, 20:60, 10:40])
loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
foreign = [path for path in loaded if any(name in path for name in ("libzstd", "libsodium", "libswift"))]
assert all(Path(path).is_relative_to(sys.prefix) for path in foreign), foreign
print("coded", sum(map(len, layers)))
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel of the library that is built: skipped where none is, a failure in CI."""
    if not (ROOT / ".build" / "release" / "libPerigeeC.so").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("no libPerigeeC.so: swift build -c release")
        pytest.skip("no libPerigeeC.so: swift build -c release")
    environment = os.environ | {"PERIGEE_PYTHON": sys.executable}
    done = subprocess.run(
        [str(ROOT / "Scripts" / "wheel"), "built"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


def test_the_wheel_says_which_platform_it_is_of(wheel: Path) -> None:
    name, _, python, abi, platform = wheel.stem.split("-")
    assert (name, python, abi) == ("perigee_codec", "py3", "none")
    assert platform.startswith("manylinux_")
    assert platform.endswith(os.uname().machine)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "perigee_codec/libPerigeeC.so" in names
    for library in ("openblas", "gfortran", "quadmath", "zstd", "sodium"):
        assert any(name.startswith(f"perigee_codec.libs/lib{library}") for name in names), library
        assert any("/licenses/" in name and library in name for name in names), f"no licence of {library}"
    assert not [name for name in names if "setup" in name or "libswift" in name]


def test_the_wheel_codes_a_frame_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "fresh", with_pip=True, symlinks=True)
    python = tmp_path / "fresh" / "bin" / "python"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PERIGEE", "PIP"))}
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True, check=False, env=clean, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # NumPy alone is lent: there is no network to install it from
    lent = tmp_path / "lent"
    lent.mkdir()
    site = Path(np.__file__).parents[1]
    for path in [site / "numpy", *site.glob("numpy.libs"), *site.glob("numpy-*.dist-info")]:
        (lent / path.name).symlink_to(path)
    packages = next((tmp_path / "fresh" / "lib").glob("python3*/site-packages"))
    (packages / "lent.pth").write_text(f"{lent}\n")
    shutil.copytree(ROOT / "Firmware" / "perigee-1", tmp_path / "bundle")
    done = subprocess.run(
        [str(python), "-I", "-c", ROUND_TRIP], capture_output=True, text=True, check=False, env=clean, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("coded")
    checked = subprocess.run(
        [str(python), "-m", "pip", "check"], capture_output=True, text=True, check=False, env=clean, cwd=tmp_path
    )
    assert checked.returncode == 0, checked.stdout

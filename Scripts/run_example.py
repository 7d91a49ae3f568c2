"""Runs the blocks of a page of Docs/examples and writes their outputs and the picture into the page.

For `make docs`; needs a release build and `PYTHONPATH=Cluster`. The test of the page uses `run`.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "Docs" / "examples" / "codec.md"
PICTURE = ROOT / "Docs" / "img" / "codec-example.png"
BLOCK = re.compile(r"^```(sh|python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run(page: str, folder: Path) -> list[str]:
    """What each python block prints, run in order in `folder`, which becomes the working directory meanwhile."""
    (folder / "Firmware").symlink_to(ROOT / "Firmware")
    session: dict[str, object] = {}
    outputs = []
    with contextlib.chdir(folder):
        for kind, code in BLOCK.findall(page):
            if kind == "sh":
                for line in code.splitlines():
                    tool, *arguments = shlex.split(line)
                    program = ROOT / ".build" / "release" / tool
                    command = [str(program), *arguments, "--home", str(ROOT)]
                    subprocess.run(command, check=True, capture_output=True)
            elif kind == "python":
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(compile(code, PAGE.name, "exec"), session)
                outputs.append(printed.getvalue())
    return outputs


def recorded(page: str) -> list[str]:
    """The outputs that the page shows."""
    return [text for kind, text in BLOCK.findall(page) if kind == "text"]


def filled(page: str, outputs: list[str]) -> str:
    """The page with other outputs."""
    rest = iter(outputs)
    return BLOCK.sub(lambda block: f"```text\n{next(rest)}```" if block[1] == "text" else block[0], page)


def main() -> None:
    """Runs the page and writes it anew."""
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as name:
        outputs = run(page, Path(name))
        PICTURE.write_bytes((Path(name) / "prefixes.png").read_bytes())
    PAGE.write_text(filled(page, outputs))


if __name__ == "__main__":
    main()

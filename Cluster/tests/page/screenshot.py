"""`make screenshot`: Docs/img/cluster.png, the service's page over two simulated places that the real daemons sent."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from test_cluster_page import Screen, Served

from archives import FIRMWARE, ROOT, Live
from perigee_cluster.following import Follower, Setup

DATES = ("2024-05-16", "2024-05-31", "2024-06-10", "2024-06-20", "2024-06-30", "2024-07-10")


def main() -> None:
    """Sends, makes, serves, photographs."""
    folder = Path(tempfile.mkdtemp(prefix="perigee-cluster-page-"))
    try:
        live = Live.start(folder, target="3000x")
        try:
            for date in DATES:
                live.send("--start", f"{date}T10:36:00Z", "--clouds", "0", "--places", "2")
        finally:
            live.stop()
        archive = folder / "gateway" / "archive"
        setup = Setup(archive, tuple(FIRMWARE), folder / "history", folder / "products")
        follower = Follower(setup)
        while follower.step() is not None:
            pass
        served = Served(setup)
        try:
            with sync_playwright() as playwright:
                program = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                screen = Screen.open(browser, served.address)
                screen.shown()
                screen.page.screenshot(path=ROOT / "Docs" / "img" / "cluster.png", full_page=True)
                browser.close()
        finally:
            served.stop()
    finally:
        shutil.rmtree(folder)


main()

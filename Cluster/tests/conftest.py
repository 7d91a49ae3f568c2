"""Sample data for tests: skipped with a message where it is absent, a failure where `CI` is true."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archives import Year, need_programs
from perigee_cluster.data.frames import data_folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of sample data."""
    try:
        return data_folder()
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """An archive of five dates of one place, the third under clouds, and its products."""
    need_programs()
    return Year.fly(tmp_path_factory.mktemp("year"))

"""Sends frames of noise to a station's pull: `python -m service.send ENDPOINT COUNT`."""

from __future__ import annotations

import sys

from faults.daemons import wait_for
from faults.source import Source

if __name__ == "__main__":
    source = Source(sys.argv[1], mode="push", size=20_000)
    source.connect()
    for _ in range(int(sys.argv[2])):
        source.give()

    def is_sent() -> bool:
        source.drive(20)
        return source.queued == 0

    wait_for("the station to take the frames", is_sent)
    # libzmq has them; a context that ends at once would drop them
    source.close(linger=30_000)

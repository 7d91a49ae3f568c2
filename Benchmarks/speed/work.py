"""What the profile looks at: one operation on one frame, again and again, for some processor seconds."""

from __future__ import annotations

import argparse
import gc
import os
import time
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from perigee_codec import Model, Stream  # noqa: E402
from speed.contenders import SENSOR, ladder  # noqa: E402
from speed.scenes import scenes  # noqa: E402


def main() -> None:
    """Runs the operation until the time is over."""
    parser = argparse.ArgumentParser(prog="speed.work", description=__doc__)
    parser.add_argument("operation", choices=("encode", "decode"))
    parser.add_argument("--ratio", type=int, default=100)
    parser.add_argument("--places", default="test")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=4)
    arguments = parser.parse_args()
    scene = scenes(arguments.places)[0]
    stream = Stream(Model.open(arguments.bundle), SENSOR, scene.samples.shape, bands=scene.bands, lanes=1)
    budgets = ladder(scene, arguments.ratio)
    layers = stream.encode(scene.samples, budgets)
    gc.freeze()
    begin = time.process_time()
    while time.process_time() - begin < arguments.seconds:
        if arguments.operation == "encode":
            stream.encode(scene.samples, budgets)
        else:
            stream.decode(layers)


if __name__ == "__main__":
    main()

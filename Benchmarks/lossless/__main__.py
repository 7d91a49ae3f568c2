"""`make bench-lossless`: measures, writes Benchmarks/results/lossless.json and the table of Docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from multiprocessing import Pool
from pathlib import Path
from statistics import median

import imagecodecs
import numpy as np

from lossless.frames import Job, jobs, measure
from lossless.peers import JPEG_XL_EFFORT
from lossless.report import summary, table
from perigee_cluster.data.frames import read_frame
from perigee_codec import Model, Stream
from rd.provenance import commit, firmware_id, machine, write_between

ROOT = Path(__file__).resolve().parents[2]
RATIO_BELOW = 1_000
ROUNDS = 3
log = logging.getLogger("lossless")


def speed(found: list[Job]) -> dict[str, float]:
    """Million samples a second of one core, median of the rounds, contenders taking turns."""
    model = Model.open(ROOT / "Firmware" / "perigee-1")
    rates: dict[str, list[float]] = {"encode": [], "decode": [], "jpeg_xl_encode": []}
    for _ in range(ROUNDS):
        spent = dict.fromkeys(rates, 0.0)
        count = 0
        for job in found:
            frame = read_frame(job.path)
            samples = frame.samples
            stream = Stream(model, job.sensor, samples.shape, bands=frame.bands, nodata="none")
            count += samples.size
            start = time.process_time()
            layers = stream.encode(samples, [samples.nbytes // RATIO_BELOW], max_error=0)
            encoded = time.process_time()
            decoded = stream.decode(layers)
            end = time.process_time()
            if not np.array_equal(decoded, samples):
                raise ValueError(f"{job.path.name} did not come back")
            spent["encode"] += encoded - start
            spent["decode"] += end - encoded
            start = time.process_time()
            for plane in samples:
                imagecodecs.jpegxl_encode(np.ascontiguousarray(plane), lossless=True, effort=JPEG_XL_EFFORT)
            spent["jpeg_xl_encode"] += time.process_time() - start
        for name, seconds in spent.items():
            rates[name].append(count / seconds / 1e6)
    return {name: median(values) for name, values in rates.items()} | {"frames": float(len(found))}


def main() -> None:
    """Runs the whole bench."""
    parser = argparse.ArgumentParser(prog="bench-lossless", description=__doc__)
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="frames measured at once",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "Benchmarks" / "results" / "lossless.json")
    parser.add_argument("--no-document", action="store_true", help="leave Docs/benchmarks.md as it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    work = jobs(ROOT / ".build" / "release" / "perigee")
    with Pool(arguments.workers) as pool:
        rows = pool.map(measure, work)
    rates = speed([job for job in work if "12 bands" in job.group][:2])
    report = {
        "benchmark": "lossless",
        "machine": machine(),
        "commit": commit(ROOT),
        "firmware": firmware_id(ROOT / "Firmware" / "perigee-1"),
        "definitions": "octets of whole files; JPEG XL and JPEG-LS one file a band; zstd on the samples of a frame",
        "summary": summary(rows),
        "million_samples_per_second": rates,
        "frames": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n")
    text = table(rows, rates) + f"\nMeasured at {report['commit']}, firmware {report['firmware']}.\n"
    if not arguments.no_document:
        write_between(ROOT / "Docs" / "benchmarks.md", "bench-lossless", text)
    log.info("\n%s\nwritten to %s", text, arguments.output)


if __name__ == "__main__":
    main()

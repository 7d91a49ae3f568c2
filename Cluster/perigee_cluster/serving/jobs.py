"""Requests that take long: a bounded queue, threads of its own, progress, an end by request."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KEPT = 1_024
"""Jobs that are remembered after their end."""
log = logging.getLogger(__name__)


class QueueFullError(RuntimeError):
    """As many jobs wait as may."""


class CancelledError(RuntimeError):
    """A job that was asked to end."""


class JobError(RuntimeError):
    """What a job could not do; the text is for whoever asked."""


@dataclass
class Job:
    """One request. Fields change under the lock of `Jobs`, but for `is_cancelled`, which is read and set as it is."""

    id: str
    key: str
    run: Callable[[Job], Any]
    state: str = "queued"
    """`queued`, `running`, `done`, `failed` or `cancelled`."""
    stage: str = ""
    progress: float = 0.0
    result: Any = None
    error: str | None = None
    is_cancelled: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def reach(self, stage: str, progress: float) -> None:
        """Says how far it is. Raises CancelledError where nobody wants it any more."""
        if self.is_cancelled:
            raise CancelledError
        self.stage, self.progress = stage, progress


class Jobs:
    """Equal keys are one job."""

    def __init__(self, workers: int, limit: int) -> None:
        """`limit`: jobs that may wait."""
        self._waiting: queue.Queue[Job | None] = queue.Queue(limit)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, key: str, run: Callable[[Job], Any]) -> Job:
        """The job of a key that waits or runs, or a new one. Raises QueueFullError."""
        with self._lock:
            for job in self._jobs.values():
                if job.key == key and job.state in ("queued", "running") and not job.is_cancelled:
                    return job
            job = Job(secrets.token_hex(8), key, run)
            try:
                self._waiting.put_nowait(job)
            except queue.Full:
                raise QueueFullError(f"{self._waiting.maxsize} jobs wait: ask again later") from None
            self._jobs[job.id] = job
            ended = [one for one in self._jobs.values() if one.ended.is_set()]
            for one in ended[: max(len(self._jobs) - KEPT, 0)]:
                del self._jobs[one.id]
            return job

    def find(self, job_id: str) -> Job | None:
        """One job."""
        with self._lock:
            return self._jobs.get(job_id)

    def cancel(self, job: Job) -> None:
        """A queued one never runs; a running one ends at its next stage."""
        with self._lock:
            job.is_cancelled = True
            if job.state == "queued":
                self._end(job, "cancelled")

    def count(self) -> dict[str, int]:
        """Jobs by state."""
        states = dict.fromkeys(("queued", "running", "done", "failed", "cancelled"), 0)
        with self._lock:
            for job in self._jobs.values():
                states[job.state] += 1
        return states

    def close(self) -> None:
        """Ends all; what runs goes on to its next stage."""
        with self._lock:
            for job in self._jobs.values():
                job.is_cancelled = True
        while True:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            with self._lock:
                if job.state != "queued":
                    continue
                job.state = "running"
            try:
                result = job.run(job)
            except CancelledError:
                self._finish(job, "cancelled")
            except JobError as error:
                self._finish(job, "failed", error=str(error))
            except Exception as error:  # a job that fails ends no thread
                log.exception("job=%s key=%s failed", job.id, job.key)
                self._finish(job, "failed", error=f"{type(error).__name__}: {error}")
            else:
                self._finish(job, "done", result)

    def _finish(self, job: Job, state: str, result: Any = None, error: str | None = None) -> None:
        with self._lock:
            job.result, job.error = result, error
            self._end(job, state)

    def _end(self, job: Job, state: str) -> None:
        job.state = state
        job.progress = 1.0 if state == "done" else job.progress
        job.ended.set()

"""Answers of a station and a gateway as Docs/status.md writes them, also for the bad days that nobody can wait for."""

import copy
import datetime
import math
from typing import Any

Answer = dict[str, Any]


def moment(seconds_ago: float = 0.0) -> str:
    """RFC 3339 in UTC with milliseconds."""
    time = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(moment: str) -> float:
    """Of RFC 3339, since 1970."""
    return datetime.datetime.fromisoformat(moment).timestamp()


def saving(seconds: float, frames: int, *, raw: int = 225_512) -> Answer:
    """The members of one period."""
    raw_bytes = frames * raw
    packets, link = raw_bytes // 297, raw_bytes // 266
    zstd, native = int(raw_bytes * 0.5546), int(raw_bytes * 0.463)

    def over(octets: int, under: int) -> float | None:
        return round(octets / under, 3) if under else None

    return {
        "since": moment(seconds), "frames": frames, "raw_bytes": raw_bytes, "native_bytes": native,
        "packet_bytes": packets, "zstd_bytes": zstd, "link_bytes": link,
        "raw_over_link": over(raw_bytes, link), "native_over_link": over(native, link),
        "zstd_over_link": over(zstd, link), "raw_over_packets": over(raw_bytes, packets),
    }  # fmt: skip


def periods(hourly_frames: int) -> Answer:
    return {
        "total": saving(20 * 86_400, hourly_frames * 480), "hour": saving(2_700, hourly_frames * 3 // 4),
        "day": saving(86_400, hourly_frames * 24), "days30": saving(20 * 86_400, hourly_frames * 480),
    }  # fmt: skip


def shared(periods: Answer) -> Answer:
    """The same of one sensor, whose link octets are its share."""
    for members in periods.values():
        members["link_bytes_share"] = members.pop("link_bytes")
    return periods


def sensor(mark: str | None, seconds_ago: float, **counters: int) -> Answer:
    return {
        "mark": mark, "last_frame": moment(seconds_ago), "last_sign": moment(seconds_ago), "interval_seconds": 60,
        "received": 4020, "encoded": 4018, "acknowledged": 3990, "refused": 0, "dropped": 0, "thinned": 0, "missed": 0,
        "over_budget": 0, "clipped_samples": 0, "raw_bytes": 912_345_678, "raw_bytes_acknowledged": 905_000_000,
        "packet_bytes": 3_100_000, "packet_bytes_acknowledged": 3_050_000, "raw_over_packets": 294.194,
        "zstd_sample_raw_bytes": 91_000_000, "zstd_sample_bytes": 50_477_000, "zstd_over_packets": 164.59,
    } | counters  # fmt: skip


def station() -> Answer:
    """A station that works, with one sensor."""
    epoch = "5f3a91c07d2e4b6688a1f0c2d4e6b893"
    return {
        "v": 2, "station": "svalbard-1", "state": "running", "health": "ok", "pid": 812, "version": "0.1.0",
        "epoch": epoch, "started": moment(37 * 3_600), "updated": moment(0.4),
        "configuration": {
            "path": "/etc/perigee/perigeed.toml", "generation": 1, "loaded_at": moment(37 * 3_600), "last_error": None,
            "restart_needed": [],
        },
        "firmware": {"name": "perigee-1", "id": "8c1f22aa", "version": "1.0.0", "source": "package", "trial": None},
        "intake": {
            "endpoints": ["tcp://127.0.0.1:5570"], "bytes": 912_345_678, "waiting_frames": 0, "waiting_bytes": 0,
            "runs": 2, "heartbeats": 4021, "missed": 0, "late": 0, "repeated": 0, "disconnects": 1,
        },
        "ledger": {
            "received": 4021, "spooled": 4018, "rejected": {"field": 1, "duplicate": 0}, "lost_at_crash": 0,
            "in_work": 2, "delivered": 3990, "thinned": 12, "waiting": 26, "quarantined": 0,
            "dropped": {"quota": 2, "expired": 0}, "balanced": True,
        },
        "spool": {
            "epoch": epoch, "served_epoch": epoch, "lowest": 88121, "next": 88209, "held_packets": 88,
            "held_bytes": 402_113, "held_bytes_by_priority": [0, 0, 402_113, 0], "oldest": moment(32), "tombstones": 0,
            "commits": 5120, "last_commit_ms": 4, "busy_seconds": 0, "full": False, "forks": 0, "failure": None,
            "quota_bytes": 1 << 30, "used_bytes": 41_100_000, "disk_free_bytes": 81_203_118_080,
        },
        "bytes": {
            "raw_received": 912_345_678, "raw_encoded": 912_000_000, "raw_acknowledged": 905_000_000,
            "packets_encoded": 3_100_000, "packets_acknowledged": 3_050_000, "link": 3_401_221,
            "zstd_acknowledged": 502_000_000,
        },
        "link": {
            "state": "live", "gateway": "tcp://gateway.example:5571", "sessions": 3, "packets_queued": 88_208,
            "packets_sent": 88_120, "packets_resent": 41, "packets_acknowledged": 88_080, "packets_rejected": 0,
            "held_packets": 88, "held_bytes": 402_113, "bytes_sent": 3_310_000, "bytes_received": 91_221,
            "last_acknowledgement": moment(1), "rtt_ms": 620, "bits_per_second": 128_000,
            "authentication_failures": 0, "last_error": None,
        },
        "control": {"line_rate": 16_000, "classes": [], "surprise": {"threshold": 3, "frames": 1}},
        "clock": {"synchronised": True}, "memory_bytes": 141_557_760,
        "backlog": {"packets": 88, "bytes": 402_113, "oldest": moment(32), "drain_seconds": 25, "full_seconds": None},
        "saving": periods(250) | {"sensors": {"sentinel-2-l2a": shared(periods(250))}},
        "sensors": {"sentinel-2-l2a": sensor("live", 3)},
        "over_budget": 0, "clipped_samples": 0,
        "surprises": [
            {"time": moment(1_080), "sensor": "sentinel-2-l2a", "place": "EPSG:32633 512000 8674560", "score": 4.2},
        ],
        "alerts": [],
    }  # fmt: skip


def troubled_station() -> Answer:
    """All that can be wrong at once, with every mark, and a sensor whose name is markup."""
    answer = station()
    answer |= {"health": "failing", "clock": {"synchronised": False}}
    answer["sensors"] = {
        "sentinel-2-l2a": sensor("live", 3), "sentinel-1-grd": sensor("late", 200),
        "landsat-8": sensor("stale", 4_000), "naip": sensor("gap", 20, missed=3),
        "planetscope": sensor("dropped", 7, dropped=2, thinned=12), "unseen": sensor(None, 0) | {"last_frame": None},
        MARKUP: sensor("live", 5),
    }  # fmt: skip
    answer["alerts"] = [
        {
            "name": "SourceLoss", "severity": "ticket", "since": moment(360),
            "text": "3 frames of naip never came in the last 10 minutes", "remedy": "see why its source loses frames",
        },
        {
            "name": "SpoolIOError", "severity": "page", "since": moment(40),
            "text": f"the spool cannot write: {MARKUP}", "remedy": "look at the disk: dmesg, smartctl",
        },
    ]  # fmt: skip
    answer["surprises"] = [
        {"time": moment(90 * n), "sensor": MARKUP, "place": f"EPSG:32633 {512 + n}000 8674560", "score": 5.1 - n / 3}
        for n in range(3)
    ]
    answer["backlog"] |= {"drain_seconds": None, "full_seconds": 12_000}
    answer["spool"] |= {"full": True, "failure": f"EIO {MARKUP}", "busy_seconds": 12, "used_bytes": 1_060_000_000}
    answer["link"] |= {"state": "connecting", "last_error": f"refused {MARKUP}", "last_acknowledgement": moment(4_100)}
    answer["configuration"] |= {"last_error": f"line 3: {MARKUP}", "restart_needed": ["spool.directory"]}
    answer["firmware"]["trial"] = {"start": 1, "frames": 20, "frames_needed": 50, "seconds": 200}
    answer["ledger"]["balanced"] = False
    return answer


def empty_station() -> Answer:
    """Just started: no frame ever."""
    answer = station()
    answer |= {"sensors": {}, "surprises": [], "started": moment(20)}
    answer["saving"] = {name: saving(20, 0) for name in ("total", "hour", "day", "days30")} | {"sensors": {}}
    for members in (answer["saving"][name] for name in ("total", "hour", "day", "days30")):
        members |= {"zstd_bytes": None, "native_bytes": None}
    answer["ledger"] |= {name: 0 for name in ("received", "spooled", "in_work", "delivered", "thinned", "waiting")}
    answer["ledger"] |= {"rejected": {"field": 0}, "dropped": {"quota": 0}}
    answer["backlog"] = {"packets": 0, "bytes": 0, "oldest": None, "drain_seconds": None, "full_seconds": None}
    answer["spool"] |= {"used_bytes": 0, "oldest": None, "held_packets": 0, "held_bytes": 0}
    answer["link"] |= {"state": "live", "last_acknowledgement": None, "rtt_ms": None, "bits_per_second": None}
    return answer


def saving_history(days: int = 30) -> Answer:
    """Hours with a daily course, and a pause of eleven hours, which holds a whole quarter of a day at any time."""
    now = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    hours = []
    for ago in reversed(range(days * 24)):
        if 64 <= ago < 75:
            continue
        start = now - datetime.timedelta(hours=ago)
        course = math.sin(start.hour / 24 * 2 * math.pi)
        item = saving(0, int(220 + 90 * course))
        item["link_bytes"] = int(item["link_bytes"] * (1 + 0.12 * math.sin(ago * 1.7) + 0.1 * math.sin(ago / 9)))
        del item["since"]
        item |= {"start": iso(start), "end": iso(start + datetime.timedelta(hours=1))}
        hours.append(item)
    return {"v": 2, "since": hours[0]["start"], "hours": hours}


def iso(time: datetime.datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def events(after: int = 0) -> Answer:
    each = [
        {"kind": "frame_stored", "sensor": "sentinel-2-l2a", "frame": 4018, "raw_bytes": 225_500, "packet_bytes": 760},
        {"kind": "frame_delivered", "sensor": "sentinel-2-l2a", "frame": 4018, "thinned": False, "seconds": 1.3},
        {"kind": "frame_dropped", "sensor": "naip", "frame": 4001, "reason": "quota"},
        {"kind": "frame_rejected", "sensor": MARKUP, "reason": "field", "field": "shape"},
        {"kind": "surprise", "sensor": "naip", "place": "EPSG:32633 512000 8674560", "score": 4.2},
        {"kind": "link", "state": "live"},
        {"kind": "alert", "name": "SourceLoss", "active": True, "text": "3 frames of naip never came"},
        {"kind": "something_later"},
    ]
    listed = [{"n": n + 1, "time": moment(60 - 5 * n)} | event for n, event in enumerate(each)]
    boot = "2026-11-20T04:00:01.120Z"
    return {"v": 2, "boot": boot, "first": 1, "last": len(listed), "events": listed[after:]}


def quicklooks(count: int = 3) -> Answer:
    pictures = [
        {
            "n": 17 - n, "time": moment(600 * n), "sensor": "sentinel-2-l2a", "frame": 4018 - 10 * n, "rows": 48,
            "columns": 64, "bands": ["B04", "B03", "B02"],
        }
        for n in range(count)
    ]  # fmt: skip
    return {"v": 2, "every": 10 if count else 0, "quicklooks": pictures}


def picture(number: int) -> bytes:
    """A quick-look: red to the right, green to the bottom."""
    return bytes(
        value for row in range(48) for column in range(64) for value in (column * 4, row * 5, (number * 40) % 256)
    )


def gateway() -> Answer:
    counters = {
        "sessions_opened": 3, "packets": 88_090, "stored": 88_080, "duplicates": 10, "conflicts": 0, "rejected": 0,
        "tombstones": 1, "buried_numbers": 3, "gaps": 0, "octets": 3_051_200,
    }  # fmt: skip
    since = moment(37 * 3_600)
    saved = {
        "frames": 3990, "raw_bytes": 905_000_000, "packet_bytes": 3_050_000, "link_bytes": 3_402_200,
        "raw_over_link": 266.004, "raw_over_packets": 296.721,
    }  # fmt: skip
    first = {
        "name": "svalbard-1", "epoch": "5f3a", "connected": True, "last_contact": moment(2), "refused_greetings": 0,
        "identity_conflicts": 0, "identity_conflict": False, "waiting_octets": 0, "backlog_packets": 88,
        "backlog_bytes": 402_113, "backlog_oldest_seconds": 32.1, "wants": 0,
        "saving": saved, "frame_to_ack_seconds": {"p50": 2.1, "p99": 31.7}, "alerts": [],
    } | counters  # fmt: skip
    return {
        "v": 2, "state": "running", "health": "ok", "pid": 901, "version": "0.1.0", "endpoint": "tcp://0.0.0.0:5571",
        "started": since, "updated": moment(0.3),
        "configuration": {
            "path": "/etc/perigee/perigee-gateway.toml", "generation": 1, "loaded_at": since, "last_error": None,
            "restart_needed": [],
        },
        "memory_bytes": 61_557_760, "clock": {"synchronised": True}, "disk_free_bytes": 81_203_118_080,
        "strange_messages": 0, "wire_octets_received": 3_310_900, "wire_octets_sent": 91_300, "failed_greetings": 0,
        "denied_messages": 0,
        "keys": {"stations": 1, "connections_admitted": 4, "connections_denied": 0, "problems": []},
        "firmware": {"offers": [], "stations": {}},
        "sessions": [],
        "wants": {"open": 0, "asked": 0, "accepted": 0, "done": 2, "gone": 0, "unknown": 0},
        "references": {
            "waiting_for_reference": 0, "reference_differs": 0, "given_up": 0, "fetched": 1, "replaced": 0,
        },
        "saving": saved,
        "stations": [first], "alerts": [],
    } | counters  # fmt: skip


def troubled_gateway() -> Answer:
    answer = gateway()
    first = answer["stations"][0]
    alert = {
        "name": "StationSilent", "severity": "page", "since": moment(900),
        "text": "atacama-2 has not been heard for 15 minutes", "remedy": "see whether it has power and a line",
    }  # fmt: skip
    away = copy.deepcopy(first) | {
        "name": "atacama-2", "connected": False, "last_contact": moment(900), "gaps": 4, "backlog_packets": 12_044,
        "backlog_bytes": 61_000_000, "backlog_oldest_seconds": 5_500.0, "wants": 2, "alerts": [alert],
    }  # fmt: skip
    strange = copy.deepcopy(first) | {
        "name": MARKUP, "identity_conflict": True, "backlog_packets": 0, "backlog_bytes": 0,
        "frame_to_ack_seconds": None,
    }  # fmt: skip
    answer["stations"] += [away, strange]
    answer |= {"health": "failing", "gaps": 4, "conflicts": 1, "alerts": [alert]}
    answer["wants"] |= {"open": 1, "asked": 1}
    answer["keys"] |= {"connections_denied": 7, "problems": [f"stations/{MARKUP}.pub: not a key"]}
    answer["firmware"] = {
        "offers": [
            {"file": "offers/perigee-2.pfw", "version": 2, "firmware": "04311545", "bytes": 812_000, "stations": None}
        ],
        "stations": {
            "svalbard-1": {"version": 2, "stage": "active", "fetched": 812_000, "reason": ""},
            MARKUP: {"version": 2, "stage": None, "fetched": 0, "reason": MARKUP},
        },
    }
    return answer


MARKUP = '<script>document.title="run"</script><img src=x onerror=alert(1)>'

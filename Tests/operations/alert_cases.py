"""Cases for Config/prometheus/alerts.yml: each alert fires where it should and not beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "Config" / "prometheus" / "alerts.yml"
STATION, GATEWAY = (
    'job="perigee",instance="alpha"',
    'job="perigee-gateway",instance="centre"',
)


@dataclass(frozen=True)
class Case:
    """Series in promtool's notation (one value a minute), and which alerts with which labels fire at a minute."""

    name: str
    series: dict[str, str]
    minute: int
    alert: str
    fires: bool = True


def station(metric: str, labels: str = "") -> str:
    return f"{metric}{{{STATION}{',' if labels else ''}{labels}}}"


def gateway(metric: str, labels: str = "") -> str:
    return f"{metric}{{{GATEWAY}{',' if labels else ''}{labels}}}"


LAST = station("perigee_stream_last_frame_timestamp_seconds", 'stream="s2"')
INTERVAL = station("perigee_stream_interval_seconds", 'stream="s2"')
OLDEST = station("perigee_spool_oldest_unacked_timestamp_seconds")
LIVE = station("perigee_link_state", 'perigee_link_state="live"')
SPOOL, QUOTA = station("perigee_spool_bytes"), station("perigee_spool_quota_bytes")
SENT, RESENT = (
    station("perigee_packets_sent_total"),
    station("perigee_packets_resent_total"),
)
CONTACT = gateway("perigee_gateway_station_last_contact_timestamp_seconds", 'station="alpha"')
GAPS = gateway("perigee_gateway_station_gaps", 'station="alpha"')

CASES = [
    Case("a station that does not answer", {station("up"): "1x3 0x10"}, 8, "Absent"),
    Case("a station that answers", {station("up"): "1x13"}, 8, "Absent", fires=False),
    Case("a silent source", {LAST: "60x60", INTERVAL: "60x60"}, 30, "StreamSilent"),
    Case(
        "a source that sends",
        {LAST: "0+60x60", INTERVAL: "60x60"},
        30,
        "StreamSilent",
        fires=False,
    ),
    Case(
        "a source that never sent",
        {LAST: "0x60", INTERVAL: "60x60"},
        30,
        "StreamSilent",
        fires=False,
    ),
    Case(
        "lost frames",
        {station("perigee_frames_missed_total", 'stream="s2"'): "0x5 3x20"},
        8,
        "SourceLoss",
    ),
    Case(
        "lost long ago",
        {station("perigee_frames_missed_total", 'stream="s2"'): "3x40"},
        30,
        "SourceLoss",
        False,
    ),
    Case(
        "a growing backlog",
        {SPOOL: "0+1000x120", QUOTA: "500000x120"},
        100,
        "BacklogGrowing",
    ),
    Case(
        "a steady backlog",
        {SPOOL: "400000x120", QUOTA: "500000x120"},
        100,
        "BacklogGrowing",
        fires=False,
    ),
    Case(
        "an old packet on a living line",
        {OLDEST: "60x120", LIVE: "1x120"},
        90,
        "OldestUnacked",
    ),
    Case(
        "an old packet without a line",
        {OLDEST: "60x120", LIVE: "0x120"},
        90,
        "OldestUnacked",
        fires=False,
    ),
    Case(
        "dropped",
        {station("perigee_packets_dropped_total", 'class="1",reason="quota"'): "0x5 9x9"},
        8,
        "DropsStarted",
    ),
    Case(
        "the lowest class dropped",
        {station("perigee_packets_dropped_total", 'class="3",reason="quota"'): "0x5 9x9"},
        8,
        "DropsStarted",
        fires=False,
    ),
    Case(
        "a bad disk",
        {station("perigee_spool_errors_total", 'reason="eio"'): "0x5 1x9"},
        8,
        "SpoolIOError",
    ),
    Case(
        "a new epoch",
        {station("perigee_epoch_changes_total", 'reason="damaged"'): "0x5 1x9"},
        8,
        "NewEpoch",
    ),
    Case(
        "a flapping line",
        {station("perigee_link_sessions_total", 'result="welcome"'): "0+1x30"},
        20,
        "LinkFlapping",
    ),
    Case(
        "one session",
        {station("perigee_link_sessions_total", 'result="welcome"'): "1x30"},
        20,
        "LinkFlapping",
        False,
    ),
    Case("sent again", {SENT: "0+100x120", RESENT: "0+10x120"}, 100, "ResendRatio"),
    Case(
        "hardly sent again",
        {SENT: "0+100x120", RESENT: "0+1x120"},
        100,
        "ResendRatio",
        fires=False,
    ),
    Case(
        "a ledger that does not close",
        {station("perigee_ledger_difference_frames"): "0x5 1x9"},
        9,
        "LedgerBroken",
    ),
    Case(
        "a ledger that closes",
        {station("perigee_ledger_difference_frames"): "0x14"},
        9,
        "LedgerBroken",
        fires=False,
    ),
    Case("a bad clock", {station("perigee_clock_synchronised"): "0x40"}, 20, "ClockBad"),
    Case(
        "a good clock",
        {station("perigee_clock_synchronised"): "1x40"},
        20,
        "ClockBad",
        fires=False,
    ),
    Case(
        "a firmware taken back",
        {station("perigee_firmware_returns_total"): "0x5 1x9"},
        8,
        "RolledBack",
    ),
    Case(
        "a wrong file",
        {station("perigee_configuration_valid"): "0x14"},
        9,
        "ConfigurationInvalid",
    ),
    Case("a gateway that does not answer", {gateway("up"): "1x3 0x10"}, 8, "Absent"),
    Case("a silent station", {CONTACT: "60x40"}, 30, "StationSilent"),
    Case("a station that talks", {CONTACT: "0+60x40"}, 30, "StationSilent", fires=False),
    Case("holes", {GAPS: "2x40"}, 20, "GapsUnexplained"),
    Case("no holes", {GAPS: "0x40"}, 20, "GapsUnexplained", fires=False),
    Case(
        "strangers",
        {gateway("perigee_gateway_denied_total"): "0x3 4x9"},
        5,
        "AuthDenied",
    ),
    Case(
        "a wrong file of the gateway",
        {gateway("perigee_gateway_configuration_valid"): "0x14"},
        9,
        "ConfigurationInvalid",
    ),
]


def group(case: Case) -> dict[str, object]:
    """One test group: counts the alerts of that name, so that texts may change without a test."""
    # both daemons are there unless the case is about that
    series = dict(case.series)
    for up in (station("up"), gateway("up")):
        series.setdefault(up, "1x130")
    return {
        "name": case.name,
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}}) or vector(0)',
                "eval_time": f"{case.minute}m",
                "exp_samples": [{"labels": "{}", "value": 1 if case.fires else 0}],
            }
        ],
    }

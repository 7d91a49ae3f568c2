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


LATE, STALE = station("perigee_streams", 'mark="late"'), station("perigee_streams", 'mark="stale"')
OLDEST = station("perigee_spool_oldest_unacked_timestamp_seconds")
LIVE = station("perigee_link_state", 'perigee_link_state="live"')
SPOOL, QUOTA = station("perigee_spool_bytes"), station("perigee_spool_quota_bytes")
SENT, RESENT = station("perigee_packets_sent_total"), station("perigee_packets_resent_total")
SESSIONS = station("perigee_link_sessions_total")
MISSED = station("perigee_frames_missed_total", 'stream="s2"')
CONTACT = gateway("perigee_gateway_station_last_contact_timestamp_seconds", 'station="alpha"')
GAPS = gateway("perigee_gateway_station_gaps_total", 'station="alpha"')
LOST = gateway("perigee_gateway_undecodable_frames", 'reason="given_up"')
DENIED = gateway("perigee_gateway_connections_total", 'result="denied"')
OPENED, STATIONS = gateway("perigee_gateway_sessions_opened_total"), gateway("perigee_gateway_stations")


def dropped(priority: int) -> str:
    return station("perigee_frames_dropped_total", f'class="{priority}"')


def own(name: str) -> dict[str, str]:
    """An alert that the station found by itself."""
    return {station("perigee_alerts", f'alert="{name}"'): "0x5 1x9"}


CASES = [
    Case("a station that does not answer", {station("up"): "1x3 0x10"}, 8, "Absent"),
    Case("a station that answers", {station("up"): "1x13"}, 8, "Absent", fires=False),
    Case("a late source", {LATE: "0x5 1x9", STALE: "0x14"}, 9, "StreamSilent"),
    Case("a stale source", {LATE: "0x14", STALE: "0x5 1x9"}, 9, "StreamSilent"),
    Case("a source that sends", {LATE: "0x14", STALE: "0x14"}, 9, "StreamSilent", fires=False),
    Case("lost frames", {MISSED: "0x5 3x20"}, 8, "SourceLoss"),
    Case("lost long ago", {MISSED: "3x40"}, 30, "SourceLoss", fires=False),
    Case("a growing backlog", {SPOOL: "0+1000x120", QUOTA: "500000x120"}, 100, "BacklogGrowing"),
    Case("a steady backlog", {SPOOL: "400000x120", QUOTA: "500000x120"}, 100, "BacklogGrowing", fires=False),
    Case("an old packet on a living line", {OLDEST: "60x120", LIVE: "1x120"}, 90, "OldestUnacked"),
    Case("an old packet without a line", {OLDEST: "60x120", LIVE: "0x120"}, 90, "OldestUnacked", fires=False),
    Case("frames of class 1 dropped", {dropped(1): "0x5 9x9"}, 8, "DropsStarted"),
    Case("frames of the lowest class dropped", {dropped(3): "0x5 9x9"}, 8, "DropsStarted", fires=False),
    Case("a bad disk", {station("perigee_spool_errors_total", 'reason="failed"'): "0x5 1x9"}, 8, "SpoolIOError"),
    Case("a new epoch", {station("perigee_epoch_changes_total", 'reason="forked"'): "0x5 1x9"}, 8, "NewEpoch"),
    Case("refused by the gateway", {station("perigee_link_refusals_total"): "0x3 4x9"}, 5, "AuthDenied"),
    Case("a flapping line", {SESSIONS: "0+1x30"}, 20, "LinkFlapping"),
    Case("one session", {SESSIONS: "1x30"}, 20, "LinkFlapping", fires=False),
    Case("sent again", {SENT: "0+100x120", RESENT: "0+10x120"}, 100, "ResendRatio"),
    Case("hardly sent again", {SENT: "0+100x120", RESENT: "0+1x120"}, 100, "ResendRatio", fires=False),
    Case("a ledger that does not close", {station("perigee_ledger_broken"): "0x5 1x9"}, 9, "LedgerBroken"),
    Case("a ledger that closes", {station("perigee_ledger_broken"): "0x14"}, 9, "LedgerBroken", fires=False),
    Case("a bad clock", {station("perigee_clock_synchronised"): "0x40"}, 20, "ClockBad"),
    Case("a good clock", {station("perigee_clock_synchronised"): "1x40"}, 20, "ClockBad", fires=False),
    Case("a firmware that does not serve", own("ModelMismatch"), 9, "ModelMismatch"),
    Case("a firmware taken back", own("RolledBack"), 9, "RolledBack"),
    Case("a wrong file", own("ConfigurationInvalid"), 9, "ConfigurationInvalid"),
    Case("a gateway that does not answer", {gateway("up"): "1x3 0x10"}, 8, "Absent"),
    Case("a silent station", {CONTACT: "60x40"}, 30, "StationSilent"),
    Case("a station that talks", {CONTACT: "0+60x40"}, 30, "StationSilent", fires=False),
    Case("holes", {GAPS: "0x10 2x30"}, 20, "GapsUnexplained"),
    Case("no holes", {GAPS: "0x40"}, 20, "GapsUnexplained", fires=False),
    Case("frames given up", {LOST: "0x10 2x30"}, 20, "ReferencesLost"),
    Case("frames given up long ago", {LOST: "2x80"}, 75, "ReferencesLost", fires=False),
    Case("strangers", {DENIED: "0x3 4x9"}, 5, "AuthDenied"),
    Case("stations that come and go", {OPENED: "0+5x30", STATIONS: "2x30"}, 20, "LinkFlapping"),
    Case("many stations that stay", {OPENED: "200x30", STATIONS: "200x30"}, 20, "LinkFlapping", fires=False),
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

import Foundation
import PerigeeGateway
import PerigeeMetrics
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("Docs/metrics.md")
struct MetricsDocumentTests {
    private static let text = """
        # Metrics
        Made from the tables that declare them, by `PERIGEE_WRITE_DOCS=1 swift test --filter MetricsDocumentTests`; do not edit.

        `GET /metrics` at `[http] listen` (station 127.0.0.1:9477, gateway 127.0.0.1:9478) answers OpenMetrics 1.0 where the scraper asks for it,
        else the older text format without `UNIT`, `_created` and `# EOF`. Values are those of the last look, at most about a second old: a scrape
        touches neither disk nor spool. A station with 64 streams or more has at most 500 series. Streams are sensors that a profile describes: the first 63
        by name have a label, the others are together under `other`. Every other label is there from the start, with 0.

        Rules: base units end the name; counters end in `_total`; `ledger_*`, `frames_rejected` and `saving_*` of a station go on over restarts and say in
        `_created` since when, the rest begins with the process, as `start_timestamp_seconds` says for all of it (series are few). Times are
        seconds since 1970, never ages. received = spooled + rejected + lost at crash + in work, and spooled = delivered + waiting + dropped + quarantined,
        hold within each scrape. What the saving is: [status.md](status.md) section 1.

        ## Station
        \(MetricText.documentation(StationMetrics.families))
        ## Gateway
        `station` is each of the first 64 stations by name; the table of all is in [status.json](status.md).

        \(MetricText.documentation(GatewayMetrics.families))
        """

    @Test("names every metric of both daemons as they declare it")
    func isUpToDate() throws {
        let path = SharedData.packageRoot + "/Docs/metrics.md"
        if ProcessInfo.processInfo.environment["PERIGEE_WRITE_DOCS"] == "1" {
            try Self.text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == Self.text, "make it anew, as its first lines say")
    }

    @Test("no two metrics have one name, and every one says what it is")
    func names() {
        let families = StationMetrics.families + GatewayMetrics.families
        #expect(Set(families.map(\.name)).count == families.count)
        for family in families {
            #expect(
                family.name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") }, "\(family.name)")
            #expect(!family.help.isEmpty && !family.help.hasSuffix("."), "\(family.name)")
            #expect(
                !["_total", "_info", "_created", "_count"].contains { family.name.hasSuffix($0) }, "\(family.name)")
        }
    }
}

package import PerigeeCore
package import PerigeeJSON

/// What `saving` of status.json says of one span: Docs/status.md section 1.
struct SavingFigures {
    let frames: Int
    let rawSize: Int
    let nativeSize: Double?
    let packetSize: Int
    let zstdSize: Double?
    let linkSize: Int

    /// Of all sensors. `whole`: the totals since the beginning, where a span has no sample of its own.
    init(_ totals: SavingTotals, whole: SavingTotals) {
        frames = totals.frames
        rawSize = totals.rawSize
        packetSize = totals.packetSize
        linkSize = totals.linkSize
        func sum(_ size: (SavingTotals.Sensor, SavingTotals.Sensor) -> Double?) -> Double? {
            totals.sensors.reduce(Double?.some(0)) { sum, entry in
                guard let sum, let own = size(entry.value, whole.sensors[entry.key] ?? entry.value) else { return nil }
                return sum + own
            }
        }
        nativeSize = sum { $0.nativeSize($1) }
        zstdSize = sum { $0.zstdSize($1) }
    }

    /// Of one sensor, with its share of the link by packets.
    init(_ sensor: SavingTotals.Sensor, whole: SavingTotals.Sensor, of totals: SavingTotals) {
        frames = sensor.frames
        rawSize = sensor.rawSize
        packetSize = sensor.packetSize
        nativeSize = sensor.nativeSize(whole)
        zstdSize = sensor.zstdSize(whole)
        let share = totals.packetSize > 0 ? Double(sensor.packetSize) / Double(totals.packetSize) : 0
        linkSize = Int((Double(totals.linkSize) * share).rounded())
    }

    static func quotient(_ left: Double?, _ right: Int) -> JSONValue {
        guard let left, right > 0 else { return .null }
        return .number((left / Double(right) * 1_000).rounded() / 1_000)
    }

    /// `link`: the name of the link's octets.
    func members(link: String) -> [JSONValue.Member] {
        func whole(_ value: Double?) -> JSONValue { value.map { .integer(Int($0.rounded())) } ?? .null }
        return [
            .init("frames", .integer(frames)), .init("raw_bytes", .integer(rawSize)),
            .init("native_bytes", whole(nativeSize)), .init("packet_bytes", .integer(packetSize)),
            .init("zstd_bytes", whole(zstdSize)), .init(link, .integer(linkSize)),
            .init("raw_over_link", Self.quotient(Double(rawSize), linkSize)),
            .init("native_over_link", Self.quotient(nativeSize, linkSize)),
            .init("zstd_over_link", Self.quotient(zstdSize, linkSize)),
            .init("raw_over_packets", Self.quotient(Double(rawSize), packetSize)),
        ]
    }
}

/// The saving in total and in its spans, as status.json and saving.json tell it.
package struct SavingReport: Sendable {
    let totals: SavingTotals
    let history: SavingHistory
    let now: Timestamp

    package init(totals: SavingTotals, history: SavingHistory, now: Timestamp) {
        self.totals = totals
        self.history = history
        self.now = now
    }

    private var spans: [(name: String, since: Timestamp, growth: SavingTotals)] {
        let start = Timestamp(milliseconds: Int64(totals.since) * 1_000)
        let periods = [("hour", 3_600), ("day", 86_400), ("days30", 30 * 86_400)] as [(String, Int64)]
        return [("total", start, totals)]
            + periods.map { name, seconds in
                let period = history.period(seconds: seconds, totals: totals, now: now)
                return (name, period.since, period.growth)
            }
    }

    /// `saving` of status.json.
    package var json: JSONValue {
        let spans = spans
        let all = spans.map { span in
            JSONValue.Member(
                span.name,
                .object(
                    [.init("since", .string(span.since.rfc3339))]
                        + SavingFigures(span.growth, whole: totals).members(link: "link_bytes")))
        }
        let sensors = totals.sensors.map { name, whole in
            let members = spans.map { span in
                let own = span.growth.sensors[name] ?? SavingTotals.Sensor()
                let figures = SavingFigures(own, whole: whole, of: span.growth)
                return JSONValue.Member(
                    span.name,
                    .object(
                        [.init("since", .string(span.since.rfc3339))] + figures.members(link: "link_bytes_share")))
            }
            return (name, JSONValue.object(members))
        }
        return .object(all + [.init("sensors", .sorted(Dictionary(sensors) { first, _ in first }))])
    }

    /// saving.json.
    package var hours: JSONValue {
        .object([
            "v": .integer(2),
            "since": .string(Timestamp(milliseconds: Int64(totals.since) * 1_000).rfc3339),
            "hours": .array(
                history.hours(totals: totals, now: now).map { hour in
                    .object(
                        [
                            .init("start", .string(hour.since.rfc3339)), .init("end", .string(hour.until.rfc3339)),
                        ] + SavingFigures(hour.growth, whole: totals).members(link: "link_bytes"))
                }),
        ])
    }
}

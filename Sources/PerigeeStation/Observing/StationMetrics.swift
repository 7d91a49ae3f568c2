import PerigeeCore
package import PerigeeMetrics

/// The station's metrics: one table that declares them and says where their values come from. Docs/metrics.md is made from it.
package enum StationMetrics {
    typealias Entry = MetricEntry<StationObservation>

    /// Labels of streams, `other` included.
    static let streamLimit = 64

    /// All metrics, in the order of the text.
    package static var families: [MetricFamily] { table.map(\.family) }

    static func values(_ observation: StationObservation) -> [MetricValues] { table.map { $0.values(observation) } }

    private static let table = about + intake + encoding + ledger + spool + link + saving

    /// What begins with the process, as `perigee_start_timestamp_seconds` says for all of it: series are few.
    static let process = MetricTable<StationObservation>(prefix: "perigee_")
    /// What goes on over restarts.
    static let lasting = MetricTable<StationObservation>(prefix: "perigee_") { Double($0.snapshot.saving.since) }

    /// One sample of each stream: its own label for the first 63 by name, the rest together under `other`.
    static func streams(
        _ observation: StationObservation, _ value: (StationCounters.Sensor) -> Double?,
        _ join: (Double, Double) -> Double = { $0 + $1 }
    ) -> [MetricValues.Sample] {
        let sensors = observation.snapshot.counters.sensors.filter { $0.key != "other" }.sorted { $0.key < $1.key }
        let samples = sensors.prefix(streamLimit - 1).compactMap { entry in
            value(entry.value).map { MetricValues.Sample([entry.key], $0) }
        }
        let rest =
            sensors.dropFirst(streamLimit - 1).map(\.value)
            + [observation.snapshot.counters.sensors["other"]].compactMap { $0 }
        let values = rest.compactMap(value)
        guard let first = values.first else { return samples }
        return samples + [.init(["other"], values.dropFirst().reduce(first, join))]
    }

    /// A counter of streams.
    static func streamCounter(
        _ name: String, unit: String = "", _ help: String,
        _ value: @escaping @Sendable (StationCounters.Sensor) -> Int
    ) -> Entry {
        process.counters(name, unit: unit, labels: ["stream"], help) { observation in
            let samples = streams(observation) { Double(value($0)) }
            return samples.contains { $0.labels == ["other"] } ? samples : samples + [.init(["other"], 0)]
        }
    }

    /// Seconds since 1970.
    static func seconds(_ time: Timestamp?) -> Double? { time.map { Double($0.milliseconds) / 1_000 } }
}

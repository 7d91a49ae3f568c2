import PerigeeCodec
import PerigeeConcurrency
import PerigeeConfig
import PerigeeControl
import PerigeeCore
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// What the lanes of a station ask about each frame: its class, how surprising its places are, how many layers go out now.
final class RateControl: Sendable {
    /// What was counted since the start.
    struct Counts: Equatable, Sendable {
        /// Frames by the class that won; those without one are under `usual`.
        var classes: [String: Int] = [:]
        /// Frames above the threshold, and those that were as expected.
        var surprising = 0
        var expected = 0
        /// Cells by what came of them; compared: scored against an earlier look that both ends know.
        var scored = 0
        var compared = 0
        var learned = 0
        var hidden = 0
        /// The newest score of a frame by sensor, and the highest.
        var latest: [String: Double] = [:]
        var highest: Double?
        var saveFailures = 0
    }

    /// Milliseconds between two savings of the places.
    private static let saveInterval: Int64 = 300_000

    /// As of the start: the places, and where they are saved.
    private let settings: StationConfiguration.Control
    private let log: ServiceLog
    private let journal: StationJournal
    private let layers: Locked<LayerControl>
    private let places: Locked<PlaceTable>
    private let counts = Locked(Counts())
    private let saved: Locked<Int64>

    /// Reads what is remembered of places; a file that is damaged is told and forgotten.
    init(_ configuration: StationConfiguration, journal: StationJournal, log: ServiceLog) {
        self.journal = journal
        let settings = configuration.control
        self.settings = settings
        self.log = log
        let (layerSettings, plannedRate) = Self.layerSettings(configuration)
        layers = Locked(LayerControl(settings: layerSettings, plannedRate: plannedRate))
        places = Locked(Self.load(settings, log: log))
        saved = Locked(currentTime().monotonic)
    }

    /// What the layers go by, and what is said of the line.
    private static func layerSettings(_ configuration: StationConfiguration) -> (LayerControl.Settings, Double?) {
        let settings = configuration.control
        let planned = settings.lineRate > 0 ? settings.lineRate : configuration.line.rate
        return (LayerControl.Settings(horizon: Double(settings.horizonSeconds)), planned.map(Double.init))
    }

    /// Goes by another configuration from now on; what was learned of the line stays.
    func take(_ configuration: StationConfiguration) {
        let (layerSettings, plannedRate) = Self.layerSettings(configuration)
        layers.withLock { $0.take(layerSettings, plannedRate: plannedRate) }
    }

    private static func load(_ settings: StationConfiguration.Control, log: ServiceLog) -> PlaceTable {
        let size = settings.places * PlaceTable.placeSize + 64
        guard settings.places > 0, let octets = SmallFile.read(settings.placesFile, limit: max(size, 1 << 28)) else {
            return PlaceTable(limit: settings.places)
        }
        do throws(FormatError) {
            return try PlaceTable(parsing: octets, limit: settings.places)
        } catch {
            log.write(
                .warning, "places_forgotten",
                ["file": settings.placesFile, "detail": "\(error)", "remedy": "none: places are learned anew"])
            return PlaceTable(limit: settings.places)
        }
    }

    /// The class of a frame, counted.
    func frameClass(
        _ rules: StationRules, topic: [UInt8], description: FrameDescription, rows: Int, columns: Int
    ) -> FrameClass {
        let found = FrameClass.of(
            rules: rules.classes, topic: topic, sensor: description.sensor,
            outline: description.georeference.flatMap { Outline($0, rows: rows, columns: columns) })
        counts.withLock { $0.classes[found.name ?? "usual", default: 0] += 1 }
        return found
    }

    /// Scores the places of a frame, against what both ends know of them, and learns them.
    func novelty(
        _ samples: Samples, after earlier: [EarlierLook], stream: StreamDescription, metadata: FrameMetadata,
        label: String, threshold: Double
    ) -> Novelty {
        guard settings.places > 0 else { return .usual }
        let description = stream.frameDescription(metadata)
        guard let grid = grid(description, samples) else { return .usual }
        let cells = cells(samples, grid: grid, stream)
        let known = earlier.compactMap { look -> [PlaceGrid.Cell: CellView]? in
            let its = look.stream.frameDescription(look.metadata)
            // a named place is one cell, the frame: that of another frame of the name lies elsewhere where its grid does
            guard let lattice = self.grid(its, look.samples), lattice.name == grid.name,
                description.place == nil || description.georeference == its.georeference
            else { return nil }
            return self.cells(look.samples, grid: lattice, look.stream)
        }
        let time: Timestamp? =
            switch metadata.time {
            case .unknown: nil
            case .acquired(let time), .received(let time): time
            }
        let surprise = places.withLock {
            $0.look(
                cells, after: CellReader.merged(known), grid: grid, sensor: stream.sensor,
                time: time ?? Timestamp(milliseconds: 0), threshold: threshold)
        }
        let novelty = Novelty(surprise, threshold: threshold)
        counts.withLock { counts in
            counts.scored += surprise.scored
            counts.compared += surprise.compared
            counts.learned += surprise.learned
            counts.hidden += surprise.hidden
            guard let score = surprise.score else { return }
            counts.latest[label] = score
            counts.highest = max(counts.highest ?? score, score)
            counts.surprising += novelty == .surprising ? 1 : 0
            counts.expected += novelty == .expected ? 1 : 0
        }
        if novelty == .surprising { tell(surprise, description: description, label: label) }
        return novelty
    }

    private func grid(_ description: FrameDescription, _ samples: Samples) -> PlaceGrid? {
        PlaceGrid(
            place: description.place, georeference: description.georeference, rows: samples.rows,
            columns: samples.columns)
    }

    private func cells(_ samples: Samples, grid: PlaceGrid, _ stream: StreamDescription) -> [PlaceGrid.Cell: CellView] {
        let features = PlaceFeatures(
            bands: stream.bands, scale: stream.scale, offset: stream.offset, peak: stream.peak)
        return CellReader.cells(samples, grid: grid, features: features, nodata: stream.nodata)
    }

    private func tell(_ surprise: Surprise, description: FrameDescription, label: String) {
        func text(_ value: Double?) -> String { value.map { "\(($0 * 10).rounded() / 10)" } ?? "unknown" }
        let origin = description.georeference.map { "EPSG:\($0.epsg) \($0.transform[2]) \($0.transform[5])" }
        journal.addSurprise(sensor: label, place: description.place ?? origin, score: surprise.score ?? 0)
        log.write(
            .notice, "surprise", key: label,
            [
                "sensor": label, "score": text(surprise.score), "highest": text(surprise.highest),
                "place": description.place ?? origin ?? "unknown", "cells": "\(surprise.scored)",
                "compared": "\(surprise.compared)", "above": "\(surprise.above)",
                "time": description.datetime?.rfc3339 ?? "unknown",
            ])
    }

    /// How many of a frame's layers go out now.
    func decide(_ layers: [[UInt8]], priority: Int, targets: FrameTargets) -> Int {
        var size = 0
        let sizes = layers.map { layer in
            // each layer begins a packet
            size += layer.isEmpty ? 0 : layer.count + 24
            return size
        }
        let frame = LayerControl.Frame(priority: priority, sizes: sizes, wanted: targets.wanted, best: targets.best)
        let now = currentTime().monotonic
        return self.layers.withLock { $0.decide(frame, now: now) }
    }

    /// What the link has delivered so far, and what waits by priority 0 to 3, octets of packets. Call it each second.
    func observe(delivered: Int, held: [Int]) {
        let now = currentTime().monotonic
        layers.withLock { $0.observe(now: now, delivered: delivered, held: held) }
    }

    /// What `status.json` says of it.
    var current: (layers: LayerControl, counts: Counts, places: Int, evicted: Int) {
        let table = places.withLock { ($0.count, $0.evicted) }
        return (layers.current, counts.current, table.0, table.1)
    }

    /// Saves the places, some minutes after the last time.
    func saveWhenDue() {
        let now = currentTime().monotonic
        let isDue = saved.withLock { saved in
            guard now - saved >= Self.saveInterval else { return false }
            saved = now
            return true
        }
        if isDue { save() }
    }

    /// Saves the places; a failure is counted and told.
    func save() {
        guard settings.places > 0 else { return }
        let table = places.current
        guard table.count > 0, !SmallFile.write(table.packed(), to: settings.placesFile) else { return }
        counts.withLock { $0.saveFailures += 1 }
        log.write(
            .notice, "places_not_saved",
            ["file": settings.placesFile, "remedy": "make its folder writable, or set [control] places = 0"])
    }
}

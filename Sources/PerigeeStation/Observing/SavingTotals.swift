/// Sums that the saving is made of, since the spool began: the ledger keeps them, so they go on over restarts and crashes. All
/// sizes are octets. Definitions: Docs/status.md section 1. A pure value.
package struct SavingTotals: Equatable, Sendable {
    /// Sums of one sensor.
    package struct Sensor: Equatable, Sendable {
        /// Frames that the gateway holds whole, their samples and their packets.
        package var frames = 0
        package var rawSize = 0
        package var packetSize = 0
        /// Samples of all encoded frames, as they came and with each band on its own grid.
        package var encodedRawSize = 0
        package var encodedNativeSize = 0
        /// Samples that were also compressed by zstd, before and after.
        package var sampledRawSize = 0
        package var sampledSize = 0

        package init() {}

        fileprivate static var names: [(name: String, path: WritableKeyPath<Sensor, Int>)] {
            [
                ("frames", \.frames), ("raw", \.rawSize), ("packets", \.packetSize), ("encoded", \.encodedRawSize),
                ("native", \.encodedNativeSize), ("sampled", \.sampledRawSize), ("zstd", \.sampledSize),
            ]
        }

        /// Delivered samples with each band on its own grid; nil before the first frame. `whole`: sums to take the share from where
        /// these have none.
        func nativeSize(_ whole: Sensor) -> Double? {
            share(encodedNativeSize, of: encodedRawSize) ?? share(whole.encodedNativeSize, of: whole.encodedRawSize)
        }

        /// What lossless zstd would have needed for what was delivered; nil without a sample.
        func zstdSize(_ whole: Sensor) -> Double? {
            share(sampledSize, of: sampledRawSize) ?? share(whole.sampledSize, of: whole.sampledRawSize)
        }

        private func share(_ part: Int, of all: Int) -> Double? {
            if rawSize == 0 { return 0 }
            return all > 0 ? Double(rawSize) * Double(part) / Double(all) : nil
        }
    }

    /// When the first of it was counted, seconds since 1970; 0 where nothing was.
    package var since = 0
    /// Octets on the wire, see `WireMeter`.
    package var linkSent = 0
    package var linkReceived = 0
    package var sensors: [String: Sensor] = [:]

    /// All zero.
    package init() {}

    package var linkSize: Int { linkSent + linkReceived }
    /// Packets of all delivered frames.
    package var packetSize: Int { sensors.values.reduce(0) { $0 + $1.packetSize } }
    package var rawSize: Int { sensors.values.reduce(0) { $0 + $1.rawSize } }
    package var frames: Int { sensors.values.reduce(0) { $0 + $1.frames } }

    package mutating func sensor(_ name: String, _ change: (inout Sensor) -> Void) {
        change(&sensors[name, default: Sensor()])
    }

    /// What was added after `earlier`, nothing below zero: an older state may have been restored.
    package func growth(after earlier: SavingTotals) -> SavingTotals {
        var growth = self
        growth.linkSent = max(linkSent - earlier.linkSent, 0)
        growth.linkReceived = max(linkReceived - earlier.linkReceived, 0)
        for (name, sensor) in earlier.sensors {
            growth.sensor(name) { own in
                for (_, path) in Sensor.names {
                    own[keyPath: path] = max(own[keyPath: path] - sensor[keyPath: path], 0)
                }
            }
        }
        return growth
    }

    /// Whether this can be an earlier state of `later`.
    func isBefore(_ later: SavingTotals) -> Bool {
        since == later.since && linkSent <= later.linkSent && linkReceived <= later.linkReceived
            && sensors.allSatisfy { name, sensor in
                let other = later.sensors[name] ?? Sensor()
                return Sensor.names.allSatisfy { sensor[keyPath: $0.path] <= other[keyPath: $0.path] }
            }
    }

    // MARK: as the ledger keeps them

    /// Sums by name: `link/sent`, `sensor/naip/raw`.
    package var figures: [String: Int] {
        var figures = ["saving/since": since, "link/sent": linkSent, "link/received": linkReceived]
        for (label, sensor) in sensors {
            for (name, path) in Sensor.names where sensor[keyPath: path] > 0 {
                figures["sensor/\(label)/\(name)"] = sensor[keyPath: path]
            }
        }
        return figures
    }

    /// Reads those; other names are left out.
    package init(figures: [String: Int]) {
        since = figures["saving/since"] ?? 0
        linkSent = figures["link/sent"] ?? 0
        linkReceived = figures["link/received"] ?? 0
        for (key, value) in figures where key.hasPrefix("sensor/") {
            let rest = key.dropFirst(7)
            guard let slash = rest.lastIndex(of: "/") else { continue }
            let label = rest[..<slash], name = rest[rest.index(after: slash)...]
            guard !label.isEmpty, let path = Sensor.names.first(where: { $0.name == name })?.path else { continue }
            sensor(String(label)) { $0[keyPath: path] = value }
        }
    }
}

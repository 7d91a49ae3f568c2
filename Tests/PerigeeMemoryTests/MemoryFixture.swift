import Foundation
import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport

/// A moment of the tests' own, and days from it.
let start = Timestamp(milliseconds: 1_750_000_000_000)

func day(_ days: Double) -> Timestamp { Timestamp(milliseconds: start.milliseconds + Int64(days * 86_400_000)) }

func makeEpoch(_ octet: UInt8 = 7) throws -> Epoch { try Epoch(bytes: [UInt8](repeating: octet, count: 16)) }

/// What a test says of a frame; everything else is as usual.
struct Shot {
    var frame: UInt64
    var column = 0
    var row = 0
    var days: Double? = 0
    var ratios = [3_000, 1_000, 300, 100]
    var distortions: [Float?] = []
    var sizes: [Int] = []
    /// Layers that are sent at once; nil means all.
    var sent: Int?
    var references: [MemoryReference] = []
    var clear = 1.0
    var place: String?
    var hasGrid = true
    var sensor = "sentinel-2-l2a"
    var rows = 256
    var epsg = 32_631
    var firmware: UInt32 = 1

    init(_ frame: UInt64) { self.frame = frame }

    func with(_ change: (inout Shot) -> Void) -> Shot {
        var shot = self
        change(&shot)
        return shot
    }

    var declaration: StreamDeclaration {
        var declaration = StreamDeclaration(
            firmware: firmware, profile: .known(index: 0, bands: nil), rows: rows, columns: 256)
        if hasGrid { declaration.grid = .init(epsg: epsg, matrix: [10, 0, 0, -10]) }
        return declaration
    }

    var metadata: FrameMetadata {
        var metadata = FrameMetadata()
        if let days { metadata.time = .acquired(day(days)) }
        if hasGrid { metadata.origin = .init(x: 500_000 + Double(column) * 10, y: 5_000_000 - Double(row) * 10) }
        metadata.place = place
        return metadata
    }

    /// Layers whose octets say whose they are.
    var memoryFrame: MemoryFrame {
        let layers = ratios.enumerated().map { index, ratio in
            MemoryFrame.Layer(
                octets: Self.octets(sizes.isEmpty ? 40 * (index + 1) : sizes[index], frame: frame, layer: index),
                ratio: ratio, distortion: distortions.isEmpty ? nil : distortions[index])
        }
        return MemoryFrame(
            frame: frame, sensor: sensor, declaration: declaration, metadata: metadata, layers: layers,
            sentLayers: sent ?? layers.count, references: references, clearShare: clear,
            clearMap: clear < 1 ? [UInt8(frame & 255)] : [])
    }

    static func octets(_ count: Int, frame: UInt64, layer: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: frame &* 31 &+ UInt64(layer))
        return (0..<(count + 7) / 8).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }.prefix(count)
            .map { $0 }
    }
}

func openMemory(
    _ folder: TemporaryFolder, nextFrame: UInt64 = 1 << 40, epoch: UInt8 = 7, quota: Int = 64 << 20
) throws -> PlaceMemory {
    var configuration = PlaceMemory.Configuration()
    configuration.quota = quota
    return PlaceMemory(
        path: folder.file("memory.db"), epoch: try makeEpoch(epoch), nextFrame: nextFrame, configuration: configuration)
}

extension PlaceMemory {
    /// Remembers a frame; the clock of the station stands at the frame's time.
    @discardableResult
    mutating func take(_ shot: Shot, acknowledging layers: [Int]? = nil) -> Outcome {
        let outcome = remember(shot.memoryFrame, now: day(shot.days ?? 0))
        if let layers { acknowledge(shot.frame, layers: layers) }
        return outcome
    }

    /// Remembers a frame all of whose layers are acknowledged.
    mutating func takeWhole(_ shot: Shot) {
        take(shot, acknowledging: Array(shot.ratios.indices))
    }

    mutating func candidates(_ shot: Shot, limit: Int = 4) -> MemoryCandidates {
        candidates(sensor: shot.sensor, declaration: shot.declaration, metadata: shot.metadata, limit: limit)
    }

    mutating func names(_ shot: Shot) -> [UInt64] { candidates(shot).ranked.map(\.reference.frame) }
}

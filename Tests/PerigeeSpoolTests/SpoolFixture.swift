import Foundation
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

/// A moment of the tests' own.
let start = Timestamp(milliseconds: 1_700_000_000_000)

/// Seeds of a test: the one that `PERIGEE_SEED` names, else as many as usual, up to ten times as many where `PERIGEE_SEEDS` asks.
func seeds(usual: UInt64) -> Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["PERIGEE_SEED"].flatMap(UInt64.init) { return seed..<seed + 1 }
    let asked = environment["PERIGEE_SEEDS"].flatMap(UInt64.init) ?? 0
    return 0..<max(usual, min(asked, 10 * usual))
}

/// Small limits, and no ballast.
func smallConfiguration() -> SpoolConfiguration {
    var configuration = SpoolConfiguration()
    configuration.quota = 8 << 20
    configuration.reserved = 1 << 20
    configuration.ballast = 0
    configuration.sentRing = 0
    configuration.finerRing = 0
    configuration.rawRing = 0
    configuration.quarantine = 1 << 20
    return configuration
}

func openSpool(
    _ folder: TemporaryFolder, _ configuration: SpoolConfiguration = smallConfiguration(), machine: String = "here",
    now: Timestamp = start
) throws -> Spool {
    try Spool(directory: folder.file("spool"), configuration: configuration, now: now, machine: machine)
}

/// `count` octets that `seed` determines.
func octets(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    let words = (0..<(count + 7) / 8).map { _ in generator.next() }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
}

/// A frame with packets of these sizes, by layer.
func frame(
    _ number: UInt64, priority: Int = 2, sizes: [[Int]] = [[300]], label: String = "cam",
    declaration: SpoolDeclaration? = nil, finer: [[Int]] = [], raw: Int? = nil, stored: Timestamp = start
) -> SpoolFrame {
    var seed = number &* 1_000
    func packets(_ sizes: [[Int]]) -> [[[UInt8]]] {
        sizes.map { layer in
            layer.map { size in
                seed += 1
                return octets(size, seed: seed)
            }
        }
    }
    return SpoolFrame(
        number: number, label: label, priority: priority, rawSize: 1_000, stored: stored, declaration: declaration,
        layers: packets(sizes), finer: packets(finer), raw: raw.map { octets($0, seed: number) })
}

extension Spool {
    /// All unsettled packets of one class.
    mutating func all(_ epoch: Epoch, priority: Int) throws -> [SpooledPacket] {
        var found: [SpooledPacket] = []
        let state = try state(epoch)
        var numbers = 1..<state.next
        while !numbers.isEmpty {
            let load = try load(epoch, priority: priority, numbers: numbers, size: 100_000)
            found += load.packets
            numbers = load.numbers.upperBound..<numbers.upperBound
        }
        return found
    }
}

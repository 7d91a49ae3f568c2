import Foundation
import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

/// What a place costs: printed, with counts asserted. `PERIGEE_PLACES` says how many (300,000), `PERIGEE_PLACE_SIZE` octets of layers (200).
@Suite("Memory of many places", .enabled(if: SlowTests.areExpected, "long: make test-slow"))
struct ScaleTests {
    /// A place of 2,560 m in one of ten zones, in an order that has nothing to do with where it lies.
    private static func shot(_ frame: UInt64, of count: Int, size: Int) -> Shot {
        let spot = Int(frame &* 7_919 % UInt64(count))
        return Shot(frame).with {
            $0.column = spot / 10 % 500 * 256
            $0.row = spot / 5_000 * 256
            $0.epsg = 32_601 + spot % 10
            $0.days = Double(frame) / 100_000
            $0.ratios = [1_000, 100]
            $0.sizes = [size / 4, size - size / 4]
        }
    }

    private static func residentSize() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4_096
    }

    @Test(
        "hundreds of thousands of places: time of an insertion and of a search, octets beside the layers",
        .timeLimit(.minutes(120)))
    func places() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["PERIGEE_PLACES"].flatMap(Int.init) ?? 300_000
        let size = environment["PERIGEE_PLACE_SIZE"].flatMap(Int.init) ?? 200
        let folder = try TemporaryFolder()
        var memory = try openMemory(folder, quota: 64 << 30)
        let clock = ContinuousClock()
        let steps = 4
        let before = Self.residentSize()
        for step in 0..<steps {
            let frames = UInt64(count * step / steps)..<UInt64(count * (step + 1) / steps)
            let remembering = clock.measure {
                for frame in frames { memory.take(Self.shot(frame, of: count, size: size)) }
            }
            let acknowledging = clock.measure { for frame in frames { memory.acknowledge(frame, layers: [0, 1]) } }
            var found = 0
            let searching = clock.measure {
                for index in 0..<2_000 as Range<UInt64> {
                    let frame = index &* 104_729 % frames.upperBound
                    let shot = Self.shot(frame, of: count, size: size).with {
                        $0.column += 40
                        $0.row += 40
                    }
                    found += memory.candidates(shot).ranked.count
                }
            }
            let status = memory.status
            let each = { (duration: Duration, count: Int) in
                Double(duration.components.attoseconds) / 1e15 / Double(count)
                    + Double(duration.components.seconds) * 1_000 / Double(count)
            }
            print(
                "\(status.entries) entries, \(status.places) places: \(status.size / status.entries - size) octets each beside \(size) of layers;",
                "ms: remember \(each(remembering, frames.count)), acknowledge \(each(acknowledging, frames.count)), search",
                "\(each(searching, 2_000)) for \(Double(found) / 2_000) found; memory \((Self.residentSize() - before) >> 20) MiB more"
            )
            #expect(status.entries == frames.upperBound)
            #expect(found > 2_000)
        }
    }
}

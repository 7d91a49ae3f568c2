import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

@Suite("Memory's room")
struct RoomTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A frame of some 20,000 octets at a place of its own.
    static func large(_ frame: UInt64, place: Int, days: Double = 0) -> Shot {
        Shot(frame).with {
            $0.column = place * 1_000
            $0.days = days
            $0.sizes = [200, 800, 3_000, 16_000]
        }
    }

    @Test("within the quota whatever comes; the only key of a place outlives updates of others")
    func quota() throws {
        var memory = try openMemory(folder, quota: 2 << 20)
        var frame: UInt64 = 0
        for place in 0..<40 {
            frame += 1
            memory.takeWhole(Self.large(frame, place: place))
        }
        #expect(memory.status.places == 40)
        // updates at many places, coarse and as large
        for place in 100..<300 {
            frame += 1
            memory.takeWhole(
                Self.large(frame, place: place, days: 1).with { $0.ratios = [10_000, 8_000, 3_000, 1_000] })
            #expect(memory.status.size <= 2 << 20)
        }
        #expect(memory.status.evictions > 100)
        let keys = (0..<40).count { !memory.names(Self.large(9_999, place: $0)).isEmpty }
        #expect(keys == 40)
    }

    @Test("what others depend on goes only with them")
    func dependents() throws {
        var memory = try openMemory(folder, quota: 1 << 20)
        memory.takeWhole(Self.large(1, place: 0).with { $0.clear = 0.5 })
        memory.takeWhole(
            Self.large(2, place: 0, days: 1).with { $0.references = [MemoryReference(frame: 1, layers: 4)] })
        var frame: UInt64 = 2
        for place in 1..<200 {
            frame += 1
            memory.takeWhole(Self.large(frame, place: place, days: 2))
            let isThere = memory.chain(of: 2)
            #expect(isThere == nil || Set(isThere?.keys ?? [:].keys) == [1, 2])
            if memory.chain(of: 1) == nil { #expect(isThere == nil) }
        }
        #expect(memory.status.evictions > 0)
    }

    @Test("a frame that leaves no room for what it leans on is refused")
    func tooLarge() throws {
        var memory = try openMemory(folder, quota: 1 << 20)
        memory.takeWhole(Self.large(1, place: 0))
        let giant = Self.large(2, place: 0).with {
            $0.sizes = [200, 800, 3_000, 1_040_000]
            $0.references = [MemoryReference(frame: 1, layers: 4)]
        }
        #expect(memory.take(giant) == .refused(.room))
        #expect(memory.chain(of: 1) != nil)
    }

    @Test("frames that wait at a place do not pile up")
    func pending() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1))
        memory.take(Shot(2))
        for frame in 3...50 as ClosedRange<UInt64> { memory.take(Shot(frame).with { $0.ratios = [3_000, 1_000] }) }
        #expect(memory.status.entries == 1 + MemoryLimit.pendingFrames)
        #expect(memory.acknowledge(50, layers: [0]) == 1)
        #expect(memory.acknowledge(47, layers: [0]) == nil)
        #expect(memory.acknowledgeSent(2) == 4, "the key that waits stays")
    }

    @Test("a place with a long history holds two frames and a key for each season")
    func history() throws {
        var memory = try openMemory(folder)
        for frame in 1...120 as ClosedRange<UInt64> {
            let shot = Shot(frame).with {
                $0.days = Double(frame) * 6
                if frame % 8 != 1 { $0.ratios = [10_000, 3_000, 1_000] }
            }
            memory.takeWhole(shot)
            #expect(memory.status.entries <= 6)
            #expect(memory.status.places == 1)
        }
        #expect(memory.status.replaced > 100)
        #expect(memory.names(Shot(121).with { $0.days = 121 * 6 }).count >= 2)
    }

    @Test("a smaller quota takes effect at once, a larger one keeps what is there")
    func configure() throws {
        var memory = try openMemory(folder)
        for place in 0..<100 { memory.takeWhole(Self.large(UInt64(place), place: place)) }
        var configuration = memory.configuration
        configuration.quota = 1 << 20
        memory.configure(configuration)
        #expect(memory.status.size <= 1 << 20)
        let left = memory.status.entries
        configuration.quota = 64 << 20
        memory.configure(configuration)
        #expect(memory.status.entries == left)
        #expect(left > 20)
    }

    @Test("the station's clock may leap or go back: what is in memory stays in order")
    func clock() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1).with { $0.days = 20_000 })
        memory.takeWhole(
            Shot(2).with {
                $0.days = -20_000; $0.column = 500
            })
        memory.takeWhole(
            Shot(3).with {
                $0.days = nil; $0.column = 1_000
            })
        for frame in 4...9 as ClosedRange<UInt64> { memory.takeWhole(Shot(frame).with { $0.days = Double(frame) }) }
        #expect(memory.names(Shot(10).with { $0.days = 10 }).first == 9)
        #expect(
            memory.names(
                Shot(10).with {
                    $0.days = nil; $0.column = 1_000
                }) == [3])
        #expect(memory.names(Shot(10).with { $0.column = 500 }) == [2])
    }

    @Test("of frames that overlap, one whose time is unknown goes last")
    func unknownTime() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1).with { $0.days = nil })
        memory.takeWhole(
            Shot(2).with {
                $0.days = -3_000; $0.column = 200; $0.clear = 0.6; $0.ratios = [10_000, 9_000, 8_000, 7_000]
            })
        #expect(memory.names(Shot(3)) == [2, 1])
    }
}

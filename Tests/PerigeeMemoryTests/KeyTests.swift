import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

@Suite("Whether a place has a key")
struct KeyTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func hasKey(_ memory: inout PlaceMemory, _ shot: Shot) -> Bool? {
        memory.hasKey(sensor: shot.sensor, declaration: shot.declaration, metadata: shot.metadata)
    }

    @Test(
        "a plain frame sent at 300x or finer is one, also while it is on its way; a coarse one, or one elsewhere, is none"
    )
    func keys() throws {
        var memory = try openMemory(folder)
        #expect(hasKey(&memory, Shot(1)) == false)
        memory.take(Shot(1).with { $0.sent = 2 })
        #expect(hasKey(&memory, Shot(2)) == false)
        memory.take(Shot(2).with { $0.sent = 3 })
        #expect(hasKey(&memory, Shot(3)) == true)
        #expect(hasKey(&memory, Shot(3).with { $0.column = 20 }) == true)
        #expect(hasKey(&memory, Shot(3).with { $0.column = 128 }) == false)
        #expect(hasKey(&memory, Shot(3).with { $0.sensor = "naip" }) == false)
    }

    @Test("each season has its own, and none of a year ago counts")
    func seasons() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1))
        #expect(hasKey(&memory, Shot(2).with { $0.days = 20 }) == true)
        #expect(hasKey(&memory, Shot(2).with { $0.days = 120 }) == false)
        #expect(hasKey(&memory, Shot(2).with { $0.days = 365 }) == false)
        #expect(hasKey(&memory, Shot(2).with { $0.days = nil }) == true)
    }

    @Test("a frame without grid and place has no history to ask for")
    func ineligible() throws {
        var memory = try openMemory(folder)
        #expect(hasKey(&memory, Shot(1).with { $0.hasGrid = false }) == nil)
    }
}

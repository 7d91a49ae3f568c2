import PerigeeMemory
import Testing

@Suite("References at the far end")
struct ReferenceTests {
    private static func resolve(
        _ frame: UInt64, _ references: [MemoryReference], _ filed: [UInt64: FiledFrame]
    ) -> ReferenceResolver.Resolution {
        ReferenceResolver.resolve(frame, references: references) { filed[$0] }
    }

    private static func reference(_ frame: UInt64, _ layers: Int = 1) -> MemoryReference {
        MemoryReference(frame: frame, layers: layers)
    }

    @Test("a frame without references needs nothing")
    func plain() { #expect(Self.resolve(5, [], [:]) == .decodable([])) }

    @Test("what a reference depends on comes before it, once, at the most layers that anyone needs")
    func order() {
        let filed: [UInt64: FiledFrame] = [
            1: .init(layers: 4, references: []), 2: .init(layers: 2, references: [Self.reference(1, 3)]),
            3: .init(layers: 2, references: [Self.reference(2), Self.reference(1, 2)]),
        ]
        let found = Self.resolve(4, [Self.reference(3, 2), Self.reference(1, 1)], filed)
        #expect(found == .decodable([Self.reference(1, 3), Self.reference(2, 1), Self.reference(3, 2)]))
    }

    @Test("missing layers are told, the roots first")
    func missing() {
        let filed: [UInt64: FiledFrame] = [
            1: .init(layers: 1, references: []), 2: .init(layers: 1, references: [Self.reference(1, 2)]),
        ]
        #expect(
            Self.resolve(4, [Self.reference(2, 2), Self.reference(3)], filed)
                == .waiting([Self.reference(1, 2), Self.reference(2, 2), Self.reference(3)]))
    }

    @Test("references that no station writes are refused, and end")
    func malformed() {
        let loop: [UInt64: FiledFrame] = [
            1: .init(layers: 1, references: [Self.reference(2)]), 2: .init(layers: 1, references: [Self.reference(1)]),
        ]
        #expect(Self.resolve(3, [Self.reference(2)], loop) == .malformed)
        #expect(Self.resolve(3, [Self.reference(3)], [:]) == .malformed)
        #expect(Self.resolve(3, [Self.reference(9)], [:]) == .malformed)
        #expect(Self.resolve(3, [Self.reference(1, 0)], [:]) == .malformed)
        #expect(Self.resolve(3, [Self.reference(1, 16)], [:]) == .malformed)
        #expect(Self.resolve(9, (1...5).map { Self.reference($0) }, [:]) == .malformed)
        var deep: [UInt64: FiledFrame] = [1: .init(layers: 1, references: [])]
        let deepest = UInt64(MemoryLimit.depth) + 1
        for frame in 2...deepest { deep[frame] = .init(layers: 1, references: [Self.reference(frame - 1)]) }
        #expect(Self.resolve(deepest, [Self.reference(deepest - 1)], deep) != .malformed)
        #expect(Self.resolve(deepest + 1, [Self.reference(deepest)], deep) == .malformed)
        // deep only by the longer of two ways
        #expect(Self.resolve(99, [Self.reference(1), Self.reference(deepest)], deep) == .malformed)
    }

    @Test("each frame is asked for once, however many ways lead to it")
    func manyWays() {
        var filed: [UInt64: FiledFrame] = [:]
        for frame in 0..<16 as Range<UInt64> {
            let below = frame < 4 ? [] : (0..<4).map { Self.reference(frame / 4 * 4 - 4 + $0) }
            filed[frame] = .init(layers: 1, references: below)
        }
        var asked: [UInt64] = []
        let found = ReferenceResolver.resolve(99, references: (12..<16).map { Self.reference($0) }) { frame in
            asked.append(frame)
            return filed[frame]
        }
        #expect(asked.count == 16 && Set(asked).count == 16)
        guard case .decodable(let order) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(order.count == 16)
        for (index, reference) in order.enumerated() {
            for below in filed[reference.frame]?.references ?? [] {
                #expect(order[..<index].contains { $0.frame == below.frame })
            }
        }
    }

    @Test("layers are asked for once, a plain frame once, and then nothing")
    func wants() {
        var waiting = WaitingFrames()
        let missing = [Self.reference(1, 2), Self.reference(3)]
        #expect(waiting.wait(9, missing: missing) == [.layers(missing[0]), .layers(missing[1])])
        #expect(waiting.wait(9, missing: missing) == [])
        #expect(waiting.answer(.layers(missing[0])) == [9])
        #expect(waiting.wait(9, missing: [missing[1]]) == [])
        #expect(waiting.answer(.layers(missing[1])) == [9])
        #expect(waiting.lost == [])
        #expect(waiting.wait(9, missing: [missing[1]]) == [.plain(9)])
        #expect(waiting.answer(.plain(9)) == [9])
        #expect(waiting.wait(9, missing: [missing[1]]) == [])
        #expect(waiting.lost == [9])
        #expect(waiting.reasons == [9: .waitingForReference])
        waiting.settle(9)
        #expect(waiting.reasons == [:])
    }

    @Test("a reference that differs is asked for plain at once")
    func differs() {
        var waiting = WaitingFrames()
        #expect(waiting.differ(4) == [.plain(4)])
        #expect(waiting.differ(4) == [])
        #expect(waiting.reasons == [4: .referenceDiffers])
        #expect(waiting.answer(.plain(5)) == [])
        #expect(waiting.answer(.plain(4)) == [4])
        #expect(waiting.differ(4) == [])
        #expect(waiting.lost == [4])
    }

    @Test("no more frames are kept in mind than the limit says, the newest")
    func bounded() {
        var waiting = WaitingFrames()
        for frame in 1...UInt64(WaitingFrames.limit + 10) { _ = waiting.differ(frame) }
        #expect(waiting.reasons.count == WaitingFrames.limit)
        #expect(waiting.reasons[10] == nil && waiting.reasons[11] != nil)
    }
}

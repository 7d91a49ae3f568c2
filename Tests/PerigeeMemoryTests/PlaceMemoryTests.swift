import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

@Suite("Place memory")
struct PlaceMemoryTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("a frame may be named once its layers are acknowledged, in any order, up to the first gap")
    func acknowledgements() throws {
        var memory = try openMemory(folder)
        #expect(memory.take(Shot(1)) == .pending)
        #expect(memory.names(Shot(2)) == [])
        #expect(memory.acknowledge(1, layers: [2]) == 0)
        #expect(memory.names(Shot(2)) == [])
        #expect(memory.acknowledge(1, layers: [0]) == 1)
        #expect(memory.candidates(Shot(2)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 1)])
        #expect(memory.acknowledge(1, layers: [1, 1]) == 3)
        #expect(memory.acknowledge(1, layers: [30, 9, 3]) == 4)
        let found = memory.candidates(Shot(2))
        #expect(found.ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 4)])
        let frame = try #require(found.frames[1])
        #expect(frame.layers == Shot(1).memoryFrame.layers.map(\.octets))
        #expect(frame.declaration == Shot(1).declaration)
        #expect(frame.metadata == Shot(1).metadata)
        #expect(memory.acknowledge(99, layers: [0]) == nil)
    }

    @Test("a layer without octets has no packet: it counts with the first packet of the frame")
    func emptyLayers() throws {
        var memory = try openMemory(folder)
        memory.take(Shot(1).with { $0.sizes = [0, 50, 0, 200] })
        #expect(memory.acknowledge(1, layers: [3]) == 0)
        #expect(memory.acknowledge(1, layers: [1]) == 4)
        memory.take(Shot(2).with { $0.sizes = [0, 0, 0, 0] })
        #expect(memory.acknowledge(2, layers: [0]) == 4)
    }

    @Test("a reference ends with a layer that has octets: the far end knows nothing of an empty last one")
    func emptyLastLayers() throws {
        var memory = try openMemory(folder)
        memory.take(Shot(1).with { $0.sizes = [30, 0, 50, 0] })
        #expect(memory.acknowledge(1, layers: [0]) == 2)
        #expect(memory.candidates(Shot(2)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 1)])
        #expect(memory.acknowledge(1, layers: [2]) == 4)
        #expect(memory.candidates(Shot(2)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 3)])
        memory.take(Shot(2).with { ($0.column, $0.sizes) = (1_000, [0, 0, 0, 0]) }, acknowledging: [0])
        #expect(memory.candidates(Shot(3).with { $0.column = 1_000 }).ranked.isEmpty)
    }

    @Test("it survives closing, with what was acknowledged")
    func reopening() throws {
        do {
            var memory = try openMemory(folder)
            #expect(memory.event == .created)
            memory.takeWhole(Shot(1))
            memory.take(Shot(2).with { $0.column = 1_000 }, acknowledging: [0, 1])
        }
        var memory = try openMemory(folder)
        #expect(memory.event == .opened)
        #expect(memory.status.entries == 2)
        #expect(memory.status.places == 2)
        #expect(memory.candidates(Shot(3)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 4)])
        let other = memory.candidates(Shot(3).with { $0.column = 1_000 })
        #expect(other.ranked.map(\.reference) == [MemoryReference(frame: 2, layers: 2)])
        #expect(memory.status.hits == 2)
    }

    @Test("frames that the spool does not know of go at the start: their numbers come again")
    func numbersComeAgain() throws {
        do {
            var memory = try openMemory(folder)
            memory.takeWhole(Shot(4))
            memory.take(Shot(5))
        }
        var memory = try openMemory(folder, nextFrame: 5)
        #expect(memory.acknowledge(5, layers: [0]) == nil)
        #expect(memory.names(Shot(6)) == [4])
    }

    @Test("another epoch begins with nothing, at the start and in between")
    func epochs() throws {
        do {
            var memory = try openMemory(folder)
            memory.takeWhole(Shot(1))
        }
        var memory = try openMemory(folder, epoch: 8)
        #expect(memory.event == .otherEpoch)
        #expect(memory.names(Shot(2)) == [])
        memory.takeWhole(Shot(1))
        memory.begin(try makeEpoch(8), nextFrame: 2)
        #expect(memory.names(Shot(2)) == [1])
        memory.begin(try makeEpoch(9), nextFrame: 0)
        #expect(memory.status.entries == 0)
    }

    @Test("only frames of the same sensor, CRS and pixel are named, of any size, where they overlap")
    func overlaps() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1))
        memory.takeWhole(Shot(2).with { $0.column = 200 })
        memory.takeWhole(
            Shot(3).with {
                $0.row = -64; $0.rows = 1_024
            })
        #expect(Set(memory.names(Shot(9))) == [1, 2, 3])
        #expect(memory.names(Shot(9)).first == 3)
        #expect(memory.names(Shot(9).with { $0.column = 456 }) == [])
        #expect(memory.names(Shot(9).with { $0.column = 455 }) == [2])
        #expect(memory.names(Shot(9).with { $0.sensor = "landsat-8-l2" }) == [])
        #expect(memory.names(Shot(9).with { $0.epsg = 32_632 }) == [])
        #expect(memory.status.places == 3)
    }

    @Test("frames of a named place are found by the name, at the same size and sensor")
    func namedPlaces() throws {
        var memory = try openMemory(folder)
        let shot = Shot(1).with {
            $0.hasGrid = false; $0.place = "mill"
        }
        memory.takeWhole(shot)
        let next = shot.with { $0.frame = 2 }
        #expect(memory.names(next) == [1])
        #expect(memory.names(next.with { $0.place = "weir" }) == [])
        #expect(memory.names(next.with { $0.rows = 128 }) == [])
        #expect(memory.names(next.with { $0.sensor = "cam" }) == [])
    }

    @Test("frames without history are told so, and counted")
    func ineligible() throws {
        var memory = try openMemory(folder)
        let nowhere = Shot(1).with { $0.hasGrid = false }
        #expect(memory.take(nowhere) == .ineligible(.position))
        #expect(memory.candidates(nowhere).ineligible == .position)
        var far = Shot(2).memoryFrame
        far.metadata.origin = .init(x: 1e12, y: 0)
        #expect(memory.remember(far, now: start) == .ineligible(.distance))
        var flat = Shot(3).memoryFrame
        for matrix in [[0, 0, 0, 0], [10, 1, 1, -10], [10, 0, 0, -20], [.nan, 0, 0, .nan], [-10, 0, 0, 10]]
            as [[Double]]
        {
            flat.declaration.grid?.matrix = matrix
            #expect(memory.remember(flat, now: start) == .ineligible(.grid))
        }
        var lost = Shot(5).with { $0.place = "mill" }.memoryFrame
        lost.declaration.grid = nil
        #expect(memory.remember(lost, now: start) == .ineligible(.position), "an origin without a grid")
        var verbatim = Shot(4).memoryFrame
        verbatim.declaration.coding = .verbatim
        #expect(memory.remember(verbatim, now: start) == .ineligible(.verbatim))
        #expect(memory.status.ineligible == [.position: 1])
        #expect(memory.status.entries == 0)
    }

    @Test("a candidate brings all that it is decoded from, as deep as the format allows")
    func chains() throws {
        var memory = try openMemory(folder)
        let deepest = UInt64(MemoryLimit.depth) + 1
        memory.takeWhole(Shot(1))
        for frame in 2...deepest {
            let shot = Shot(frame).with {
                $0.days = Double(frame)
                $0.references = [MemoryReference(frame: frame - 1, layers: 2)]
            }
            #expect(memory.take(shot, acknowledging: [0, 1]) == .pending)
        }
        let found = memory.candidates(Shot(99).with { $0.days = 99 })
        #expect(found.ranked.map(\.depth).max() == MemoryLimit.depth - 1)
        #expect(!found.ranked.map(\.reference.frame).contains(deepest), "it stands too deep")
        #expect(Set(found.frames.keys) == Set(1..<deepest))
        let deeper = Shot(deepest + 1).with { $0.references = [MemoryReference(frame: deepest, layers: 1)] }
        #expect(memory.take(deeper) == .refused(.depth))
        #expect(memory.chain(of: deepest).map { Set($0.keys) } == Set(1...deepest))
        memory.forget(2)
        #expect(memory.status.entries == 1)
        #expect(memory.chain(of: deepest) == nil)
    }

    @Test("a reference must be in memory at its acknowledged layers, and older")
    func references() throws {
        var memory = try openMemory(folder)
        memory.take(Shot(1), acknowledging: [0, 2])
        func outcome(_ reference: MemoryReference) -> PlaceMemory.Outcome {
            memory.take(Shot(3).with { $0.references = [reference] })
        }
        #expect(outcome(MemoryReference(frame: 1, layers: 2)) == .refused(.reference))
        #expect(outcome(MemoryReference(frame: 1, layers: 0)) == .refused(.reference))
        #expect(outcome(MemoryReference(frame: 2, layers: 1)) == .refused(.reference))
        #expect(outcome(MemoryReference(frame: 3, layers: 1)) == .refused(.order))
        #expect(outcome(MemoryReference(frame: 1, layers: 1)) == .pending)
        #expect(memory.status.refused == [.reference: 3, .order: 1])
    }

    @Test("what was dropped counts no more; what was acknowledged stays")
    func givingUp() throws {
        var memory = try openMemory(folder)
        memory.take(Shot(1), acknowledging: [0, 3])
        memory.giveUp(1, from: 2)
        #expect(memory.acknowledge(1, layers: [1, 2]) == 2)
        memory.giveUp(1, from: 0)
        #expect(memory.candidates(Shot(2)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 2)])
        memory.take(Shot(3).with { $0.column = 900 })
        memory.giveUp(3, from: 0)
        #expect(memory.status.entries == 1)
    }

    @Test("what a frame was predicted from goes when the far end wants that frame plain")
    func distrust() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1))
        memory.take(Shot(2).with { $0.references = [MemoryReference(frame: 1, layers: 4)] })
        memory.distrust(2)
        #expect(memory.status.entries == 0)
        memory.distrust(2)
    }

    @Test("after a switch of firmware only compatible streams stay")
    func firmware() throws {
        var memory = try openMemory(folder)
        memory.takeWhole(Shot(1))
        memory.takeWhole(
            Shot(2).with {
                $0.firmware = 2; $0.column = 800
            })
        memory.keep(firmwares: [1, 2])
        #expect(memory.status.entries == 2)
        memory.keep(firmwares: [2])
        #expect(memory.names(Shot(3)) == [])
        #expect(memory.names(Shot(3).with { $0.column = 800 }) == [2])
        memory.keep(firmwares: [9])
        #expect(memory.status.entries == 0 && memory.status.isAvailable)
        memory.takeWhole(Shot(4).with { $0.firmware = 9 })
        #expect(memory.names(Shot(5)) == [4])
    }

    @Test("what goes beyond a limit is refused")
    func limits() throws {
        var memory = try openMemory(folder)
        func refused(_ change: (inout MemoryFrame) -> Void) -> Bool {
            var frame = Shot(1).memoryFrame
            change(&frame)
            return memory.remember(frame, now: start) == .refused(.limit)
        }
        #expect(refused { $0.layers = [] })
        #expect(refused { $0.sentLayers = -1 })
        #expect(refused { $0.layers[0].octets = [UInt8](repeating: 0, count: MemoryLimit.frameSize) })
        #expect(refused { $0.layers[0].ratio = 0 })
        #expect(refused { $0.references = Array(repeating: MemoryReference(frame: 0, layers: 1), count: 5) })
        #expect(refused { $0.clearMap = [UInt8](repeating: 0, count: MemoryLimit.clearMapSize + 1) })
        #expect(refused { $0.clearShare = .nan })
        #expect(refused { $0.frame = .max })
        #expect(refused { $0.sensor = String(repeating: "x", count: 65) })
        #expect(refused { $0.metadata.place = String(repeating: "x", count: 65) })
        #expect(
            refused { $0.declaration.profile = .known(index: 0, bands: [Int](repeating: 1_000, count: 5_000)) })
        #expect(memory.acknowledge(.max, layers: [0]) == nil)
        memory.giveUp(.max, from: -1)
        #expect(memory.status.entries == 0)
    }

    @Test("what was sent at once is acknowledged at once; a finer layer that is wanted later counts from then on")
    func refinement() throws {
        var memory = try openMemory(folder)
        memory.take(Shot(1).with { $0.sent = 2 })
        #expect(memory.acknowledgeSent(1) == 2)
        #expect(memory.candidates(Shot(2)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 2)])
        #expect(memory.acknowledge(1, layers: [2]) == 3)
        #expect(memory.candidates(Shot(2)).ranked.map(\.reference) == [MemoryReference(frame: 1, layers: 3)])
        #expect(memory.acknowledgeSent(2) == nil)
    }
}

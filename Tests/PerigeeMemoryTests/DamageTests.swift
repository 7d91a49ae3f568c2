import Foundation
import PerigeeCore
import PerigeeMemory
import PerigeeTestSupport
import Testing

@Suite("Memory's damages")
struct DamageTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let places = 30

    private static func shot(_ place: Int, _ index: UInt64) -> Shot {
        Shot(UInt64(place) * 4 + index).with {
            $0.column = place * 400
            $0.days = Double(index)
            $0.clear = 0.9
            $0.sizes = [30, 60, 700, 1_500]
            if index > 0 { $0.references = [MemoryReference(frame: UInt64(place) * 4, layers: 3)] }
        }
    }

    /// A closed file with frames, some of which lean on others.
    private func fill() throws {
        var memory = try openMemory(folder)
        for place in 0..<Self.places {
            memory.takeWhole(Self.shot(place, 0))
            memory.take(Self.shot(place, 1), acknowledging: [0, 1])
        }
    }

    /// Everything that memory gives back is what was put in; answers how many frames it gave.
    private func look(_ memory: inout PlaceMemory, _ context: String) -> Int {
        var count = 0
        for place in 0..<Self.places {
            let query = Self.shot(place, 3)
            let found = memory.candidates(query)
            for candidate in found.ranked {
                #expect(
                    found.frames[candidate.reference.frame]?.layers.count == candidate.reference.layers, "\(context)")
            }
            for (frame, remembered) in found.frames {
                count += 1
                let shot = Self.shot(Int(frame / 4), frame % 4)
                let given = shot.memoryFrame
                #expect(Int(frame / 4) == place && frame % 4 < 2, "\(context)")
                #expect(remembered.declaration == given.declaration, "\(context)")
                #expect(remembered.metadata == given.metadata, "\(context)")
                #expect(remembered.references == given.references, "\(context)")
                #expect(remembered.clearMap == given.clearMap && remembered.clearShare == 0.9, "\(context)")
                let layers = frame % 4 == 0 ? 4 : 2
                #expect(remembered.layers == given.layers.prefix(layers).map(\.octets), "\(context)")
                for reference in remembered.references { #expect(found.frames[reference.frame] != nil, "\(context)") }
            }
        }
        return count
    }

    private func file() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: folder.file("memory.db")))) }

    private func write(_ octets: [UInt8]) throws {
        for name in try folder.contents() { try FileManager.default.removeItem(atPath: folder.file(name)) }
        try Data(octets).write(to: URL(filePath: folder.file("memory.db")))
    }

    @Test("octets that changed at 200 places never give a wrong frame, and memory goes on")
    func flips() throws {
        try fill()
        let whole = try file()
        var generator = SeededGenerator(seed: 11)
        var (kept, fewer) = (0, 0)
        for place in 0..<200 {
            var octets = whole
            let offset = octets.count * place / 200 + Int.random(in: 0..<octets.count / 200, using: &generator)
            switch place % 4 {
            case 0: octets[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: octets[offset] = .random(in: 0...255, using: &generator)
            case 2: for index in offset..<min(offset + 512, octets.count) { octets[index] = 0 }
            default:
                for index in offset..<min(offset + 64, octets.count) {
                    octets[index] = .random(in: 0...255, using: &generator)
                }
            }
            try write(octets)
            var memory = try openMemory(folder)
            let found = look(&memory, "offset \(offset), kind \(place % 4)")
            if found == Self.places * 2 { kept += 1 } else { fewer += 1 }
            memory.takeWhole(Self.shot(7, 2))
            #expect(memory.chain(of: Self.shot(7, 2).frame)?.isEmpty == false || memory.chain(of: 28) == nil)
            memory.takeWhole(Shot(1_000).with { $0.row = 5_000 })
            memory.maintain()
            if memory.status.filesSetAside == 0 {
                #expect(memory.names(Shot(1_001).with { $0.row = 5_000 }) == [1_000], "offset \(offset)")
            }
        }
        print("flips: \(kept) of 200 lost nothing, \(fewer) lost something, none gave a wrong frame")
        #expect(fewer > 50)
    }

    @Test(
        "a file that is cut short gives no wrong frame",
        arguments: [0, 1, 50, 99, 100, 1_024, 1_500, 20_000, 100_000, 150_001])
    func truncations(_ size: Int) throws {
        try fill()
        let whole = try file()
        try write(Array(whole.prefix(size)))
        var memory = try openMemory(folder)
        _ = look(&memory, "size \(size)")
        memory.takeWhole(Shot(1_000).with { $0.row = 5_000 })
        memory.takeWhole(
            Shot(1_001).with {
                $0.row = 5_000; $0.days = 1
            })
        #expect(
            memory.names(
                Shot(1_002).with {
                    $0.row = 5_000; $0.days = 2
                }
            ).contains(1_001))
        #expect(memory.status.isAvailable)
    }

    @Test("a log that is cut or changed loses the last entries at most")
    func log() throws {
        let image: (file: [UInt8], log: [UInt8])
        do {
            var memory = try openMemory(folder)
            for place in 0..<Self.places { memory.takeWhole(Self.shot(place, 0)) }
            image = (try file(), Array(try Data(contentsOf: URL(filePath: folder.file("memory.db-wal")))))
        }
        #expect(image.log.count > 10_000)
        var generator = SeededGenerator(seed: 4)
        for share in 0..<40 {
            try write(image.file)
            var log = Array(image.log.prefix(image.log.count * (share + 1) / 40))
            if share % 2 == 0 { log[Int.random(in: 0..<log.count, using: &generator)] ^= 16 }
            try Data(log).write(to: URL(filePath: folder.file("memory.db-wal")))
            var memory = try openMemory(folder)
            _ = look(&memory, "share \(share)")
            #expect(memory.status.isAvailable)
        }
    }

    @Test("what is no memory, or one of another version, is set aside, and memory begins anew")
    func otherFiles() throws {
        let path = folder.file("memory.db")
        for octets in [Array("this is no database at all".utf8), [UInt8](repeating: 0, count: 4_096)] {
            try write(octets)
            var memory = try openMemory(folder)
            memory.takeWhole(Shot(1))
            #expect(memory.names(Shot(2)) == [1])
            guard case .setAside = memory.event else {
                Issue.record("\(memory.event)")
                continue
            }
            #expect(try Data(contentsOf: URL(filePath: path + ".aside")) == Data(octets))
        }
        try fill()
        let current = try file()
        for version in [0, 2, 200] as [UInt8] {
            var octets = current
            octets[63] = version  // user_version, big-endian at 60
            try write(octets)
            var memory = try openMemory(folder)
            #expect(memory.status.filesSetAside == 1, "version \(version)")
            #expect(look(&memory, "version \(version)") == 0)
        }
    }

    @Test("a folder that is not there, or a file that another one holds: no memory, until that is mended")
    func unavailable() throws {
        let missing = folder.file("later") + "/memory.db"
        var memory = PlaceMemory(path: missing, epoch: try makeEpoch(), nextFrame: 0)
        guard case .unavailable = memory.event else {
            Issue.record("\(memory.event)")
            return
        }
        #expect(memory.take(Shot(1)) == .unavailable)
        #expect(memory.acknowledge(1, layers: [0]) == nil)
        #expect(memory.names(Shot(2)) == [])
        #expect(!memory.status.isAvailable)
        #expect(memory.status.unavailable > 0)
        memory.maintain()
        #expect(!memory.status.isAvailable)
        try FileManager.default.createDirectory(atPath: folder.file("later"), withIntermediateDirectories: false)
        memory.maintain()
        memory.takeWhole(Shot(1))
        #expect(memory.names(Shot(2)) == [1])
        let second = PlaceMemory(path: missing, epoch: try makeEpoch(), nextFrame: 0)
        #expect(!second.status.isAvailable)
        #expect(memory.names(Shot(2)) == [1])
    }

    @Test("a disk that is full refuses entries, and nothing else")
    func fullDisk() throws {
        try fill()
        // SQLite refuses pages beyond this as it does on a full disk
        var memory = try openMemory(folder)
        memory.limitPages(toSize: memory.status.size + 20_000)
        var outcomes: Set<Bool> = []
        for frame in 1_000..<1_100 as Range<UInt64> {
            let shot = Shot(frame).with {
                $0.row = 5_000 + Int(frame) * 300; $0.sizes = [200, 800, 3_000, 16_000]
            }
            outcomes.insert(memory.take(shot) == .unavailable)
        }
        #expect(outcomes.contains(true))
        #expect(memory.status.failures > 0)
        #expect(memory.status.filesSetAside == 0)
        #expect(look(&memory, "full") == Self.places * 2)
    }
}

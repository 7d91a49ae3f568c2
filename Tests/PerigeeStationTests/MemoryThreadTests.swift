import Foundation
import PerigeeConcurrency
import PerigeeCore
import PerigeeMemory
import PerigeeService
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("The thread that owns place memory", .timeLimit(.minutes(10)))
struct MemoryThreadTests {
    private let folder: TemporaryFolder
    private let log: LogLines

    init() throws {
        folder = try TemporaryFolder()
        log = try LogLines()
    }

    private func epoch(_ octet: UInt8 = 7) throws -> Epoch { try Epoch(bytes: [UInt8](repeating: octet, count: 16)) }

    /// A memory of the test's folder, whose thread runs.
    private func start(
        _ file: String = "memory.db", firmwares: Set<UInt32> = [1], change: (inout MemoryThread.Pace) -> Void = { _ in }
    ) throws -> (memory: MemoryThread, thread: NamedThread) {
        var pace = MemoryThread.Pace()
        // a busy machine is no slow disk
        pace.patienceMilliseconds = 60_000
        change(&pace)
        let memory = MemoryThread(
            .init(
                path: folder.file(file), epoch: try epoch(), nextFrame: 100, configuration: .init(),
                firmwares: firmwares),
            pace: pace, log: ServiceLog(descriptor: log.writer))
        let progress = Watchdog().loop("memory")
        return (memory, NamedThread("memory") { memory.run(progress) })
    }

    private func frame(_ number: UInt64, firmware: UInt32 = 1) -> MemoryFrame {
        let declaration = StreamDeclaration(
            firmware: firmware, profile: .known(index: 0, bands: nil), rows: 64, columns: 64)
        var metadata = FrameMetadata()
        metadata.place = "field"
        metadata.time = .acquired(Timestamp(milliseconds: 1_750_000_000_000 + Int64(number) * 86_400_000))
        return MemoryFrame(
            frame: number, sensor: "sentinel-2-l2a", declaration: declaration, metadata: metadata,
            layers: [.init(octets: [1, 2, UInt8(number & 255)], ratio: 300)], sentLayers: 1)
    }

    /// A frame that the gateway has filed.
    private func fill(_ memory: MemoryThread, _ number: UInt64, firmware: UInt32 = 1) {
        let frame = frame(number, firmware: firmware)
        memory.tell { memory in
            _ = memory.remember(frame, now: Timestamp(milliseconds: 0))
            memory.acknowledgeSent(frame.frame)
        }
    }

    private func known(_ memory: MemoryThread) -> [UInt64]? {
        let query = frame(1_000)
        return memory.ask { memory in
            memory.candidates(sensor: query.sensor, declaration: query.declaration, metadata: query.metadata)
                .ranked.map(\.reference.frame)
        }
    }

    @Test("memory that a slow disk holds up delays one question, and is not waited for again before it has caught up")
    func late() async throws {
        let (memory, thread) = try start { $0.patienceMilliseconds = 20 }
        let gate = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        fill(memory, 1)
        try await wait { known(memory) == [1] }
        let before = try #require(memory.status).late
        memory.tell { _ in _ = gate.take() }
        #expect(known(memory) == nil)
        #expect(known(memory) == nil)
        // what it is told meanwhile it does later
        fill(memory, 2)
        #expect(memory.status?.late == before + 2)
        #expect(gate.offer(true, size: 0) == .accepted)
        try await wait { known(memory)?.isEmpty == false }
        try await wait { memory.status?.memory.entries == 2 || known(memory) == [2] }
        #expect(memory.status?.untold == 0)
        memory.stop()
        thread.join()
        _ = try log.wait(for: "memory_late")
    }

    @Test("what it cannot be told, because too much waits, is counted")
    func untold() throws {
        let (memory, thread) = try start()
        let gate = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        memory.tell { _ in _ = gate.take() }
        for _ in 0..<6 { memory.tell(size: 16 << 20) { _ in } }
        #expect(gate.offer(true, size: 0) == .accepted)
        #expect(known(memory) == [])
        #expect((1...2).contains(memory.status?.untold ?? 0))
        memory.stop()
        thread.join()
    }

    @Test("a folder that can be written again brings memory back, and the log says both")
    func returns() async throws {
        let (memory, thread) = try start("later/memory.db") { $0.maintenanceMilliseconds = 10 }
        try await wait { memory.status != nil }
        #expect(memory.status?.memory.isAvailable == false && known(memory) == [])
        try FileManager.default.createDirectory(atPath: folder.file("later"), withIntermediateDirectories: false)
        try await wait { memory.status?.memory.isAvailable == true }
        fill(memory, 1)
        #expect(known(memory) == [1])
        memory.stop()
        thread.join()
        #expect(try log.wait(for: "memory_available").contains(" event=memory_unavailable"))
    }

    @Test("what is told after an epoch began is of that one, however much waits")
    func epochs() throws {
        let (memory, thread) = try start()
        fill(memory, 1)
        #expect(known(memory) == [1])
        let gate = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        memory.tell { _ in _ = gate.take() }
        memory.begin(try epoch(8), nextFrame: 2)
        fill(memory, 3)
        #expect(gate.offer(true, size: 0) == .accepted)
        #expect(known(memory) == [3])
        #expect(memory.ask { $0.epoch } == (try epoch(8)))
        memory.stop()
        thread.join()
    }

    @Test(
        "after a switch of firmware memory stays where the new one is compatible, and only there",
        arguments: [true, false]
    )
    func firmware(isCompatible: Bool) throws {
        let (before, first) = try start()
        fill(before, 1)
        #expect(known(before) == [1])
        before.stop()
        first.join()
        let (after, second) = try start(firmwares: isCompatible ? [1, 2] : [2])
        #expect(known(after) == (isCompatible ? [1] : []))
        after.stop()
        second.join()
    }
}

import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

private let stream = StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: 4, columns: 4)

/// A declaration, then the packets of frame 0 with two layers, of frame 1 that leans on it, and of frame 2 in place of frame 1.
private func story(of epoch: Epoch, replaces: FrameMetadata.Replaced) -> [[UInt8]] {
    var (predicted, again) = (FrameMetadata(), FrameMetadata())
    predicted.references = .init(frames: [.init(back: 1, layers: 2)], hash: 1)
    again.replaces = replaces
    let frames: [([[UInt8]], FrameMetadata)] = [
        ([[1], [2]], FrameMetadata()), ([[3]], predicted), ([[4]], again),
    ]
    let parts = frames.enumerated().flatMap { number, frame in
        Packet.parts(of: frame.0, metadata: frame.1, frame: UInt64(number), declaration: 1, stream: stream)
    }
    return ([Packet(declaration: 1, body: .declaration(stream))] + parts).map { $0.packed() }
}

@Suite("Gateway and references", .timeLimit(.minutes(10)), .serialized)
struct GatewayReferenceTests {
    let folder: Folder
    let context: ZeroMQContext
    let epoch = Epoch.random()

    init() throws {
        folder = try Folder()
        context = try ZeroMQContext()
    }

    private func station(_ gateway: GatewayProcess, epoch: Epoch? = nil) throws -> HandStation {
        let epoch = epoch ?? self.epoch
        let packets = story(of: epoch, replaces: .earlier(back: 1))
        var station = try HandStation.connect(gateway.endpoint, epoch: epoch, packets: packets, context: context)
        try station.greet()
        return station
    }

    /// Waits until the status file counts so.
    private func wait(_ expected: [String: Int]) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        var found: [String: Int] = [:]
        while ContinuousClock.now < deadline {
            if let data = FileManager.default.contents(atPath: folder.path + "/status.json"),
                let status = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
                let counts = status["references"] as? [String: Int]
            {
                found = counts.filter { $0.value != 0 }
                if found == expected { return }
            }
            usleep(10_000)
        }
        #expect(found == expected)
    }

    @Test("what a frame was predicted from and is not here is asked for; when it has come the frame waits no more")
    func fetches() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        var station = try station(gateway)
        try station.data([1, 4], lowest: 1)
        let want = try station.want()
        #expect(want.subject == .reference(epoch: epoch, number: 0, layers: 2))
        try wait(["waiting_for_reference": 1])
        try station.answer(want.request, .accepted, packets: 2)
        try station.data([2, 3], lowest: 2)
        try wait(["fetched": 1])
        #expect(gateway.end(SIGTERM) == 0)
        let wants = try WantFolder(folder.path + "/archive")
        let made = try wants.identities().map { try wants.want($0) }
        #expect(made.map(\.state) == [.done] && made.map(\.reason) == [.waitingForReference])
    }

    @Test("a station that has it no more is asked for the frame without references, over a restart too, once")
    func replaces() throws {
        var gateway = try GatewayProcess(folder: folder.path)
        let endpoint = gateway.endpoint
        var first = try station(gateway)
        try first.data([1, 4], lowest: 1)
        try first.answer(try first.want().request, .gone, packets: 0)
        let plain = try first.want()
        #expect(plain.subject == .plain(epoch: epoch, number: 1))
        #expect(gateway.end(SIGKILL) == SIGKILL)
        gateway = try GatewayProcess(folder: folder.path, endpoint: endpoint)
        var second = try station(gateway)
        let again = try second.want()
        #expect(again.subject == plain.subject && again.request == plain.request)
        try second.answer(again.request, .accepted, packets: 1)
        try second.data([5], lowest: 5)
        try wait(["replaced": 1])
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("what the station cannot send in either way is given up, and never asked for again")
    func givesUp() throws {
        var gateway = try GatewayProcess(folder: folder.path)
        let endpoint = gateway.endpoint
        var first = try station(gateway)
        try first.data([1, 4], lowest: 1)
        try first.answer(try first.want().request, .gone, packets: 0)
        try first.answer(try first.want().request, .unknown, packets: 0)
        try wait(["given_up": 1])
        #expect(gateway.end(SIGTERM) == 0)
        gateway = try GatewayProcess(folder: folder.path, endpoint: endpoint)
        var second = try station(gateway)
        // part 0 once more under another number, so that the frame is looked at again
        let packet = second.packets[3]
        try second.send(
            .data(
                .init(
                    session: second.session, lowest: 6,
                    items: [.init(number: 6, isResent: false, packet: packet[...])]))
        )
        try wait(["given_up": 1])
        try WantFolder(folder.path + "/archive").write(
            ArchiveWant(
                id: 9, station: "hand", epoch: epoch, priority: 1, subject: .plain(number: 7),
                created: Timestamp(milliseconds: 0)))
        #expect(try second.want().request == 9)
        // the reference comes after all
        try second.data([2, 3], lowest: 2)
        try wait(["fetched": 1])
        #expect(gateway.end(SIGTERM) == 0)
    }

    @Test("a frame whose reference differs is asked for without, in a session of a later epoch too")
    func differs() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let later = Epoch.random()
        let packets = story(of: later, replaces: .other(epoch, frame: 1))
        var station = try HandStation.connect(gateway.endpoint, epoch: later, packets: packets, context: context)
        try station.greet()
        var want = ArchiveWant(
            id: 5, station: "hand", epoch: epoch, priority: 2, subject: .plain(number: 1),
            created: Timestamp(milliseconds: 0))
        want.reason = .referenceDiffers
        let folder = try WantFolder(folder.path + "/archive")
        try folder.write(want)
        #expect(try station.want().subject == .plain(epoch: epoch, number: 1))
        try wait(["reference_differs": 1])
        try station.answer(5, .accepted, packets: 1)
        try station.data([1, 5], lowest: 1)
        try wait(["replaced": 1])
        #expect(try folder.want(5).state == .done)
        #expect(gateway.end(SIGTERM) == 0)
    }
}

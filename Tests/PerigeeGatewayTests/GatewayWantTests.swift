import Foundation
import PerigeeArchive
import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("Gateway and wants", .timeLimit(.minutes(10)), .serialized)
struct GatewayWantTests {
    let folder: Folder
    let context: ZeroMQContext
    let epoch = Epoch.random()

    init() throws {
        folder = try Folder()
        context = try ZeroMQContext()
    }

    private func order(_ identity: UInt32, _ subject: ArchiveWant.Subject) throws {
        let want = ArchiveWant(
            id: identity, station: "hand", epoch: epoch, priority: 1, subject: subject,
            created: Timestamp(milliseconds: Int64(identity)))
        try WantFolder(folder.path + "/archive").write(want)
    }

    private func wait(_ identity: UInt32, for state: ArchiveWant.State) throws {
        let wants = try WantFolder(folder.path + "/archive")
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while try wants.want(identity).state != state, ContinuousClock.now < deadline { usleep(10_000) }
        #expect(try wants.want(identity).state == state)
    }

    @Test("numbers that are wanted are asked for, again after a restart of the gateway, and done when they are here")
    func replay() throws {
        var gateway = try GatewayProcess(folder: folder.path)
        let endpoint = gateway.endpoint
        let all = packets(count: 20, seed: 4)
        var station = try HandStation.connect(endpoint, epoch: epoch, packets: all, context: context)
        try station.greet()
        try station.data([1, 2, 5, 6, 7], lowest: 1)
        try order(0x11, .numbers([3..<5, 9..<10]))
        guard case .want(let want) = try station.next() else {
            Issue.record("no WANT")
            return
        }
        #expect(want.subject == .numbers([3..<5, 9..<10]) && want.request == 0x11 && want.priority == 1)
        try station.answer(0x11, .accepted, packets: 3)
        try wait(0x11, for: .accepted)
        #expect(gateway.end(SIGKILL) == SIGKILL)
        gateway = try GatewayProcess(folder: folder.path, endpoint: endpoint)
        var later = try HandStation.connect(endpoint, epoch: epoch, packets: all, context: context)
        try later.greet()
        guard case .want(let again) = try later.next() else {
            Issue.record("no second WANT")
            return
        }
        #expect(again.request == 0x11)
        try later.answer(0x11, .accepted, packets: 3)
        try later.data([3, 4, 9], lowest: 3)
        try wait(0x11, for: .done)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try ArchiveReader.open(folder.path + "/archive").gaps().first?.packets == 8)
    }

    @Test("layers that are wanted come under new numbers; what is gone or unknown is written down")
    func refine() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let stream = StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: 4, columns: 4)
        let parts = Packet.parts(
            of: [[1], [2], [3]], metadata: FrameMetadata(), frame: 0, declaration: 1, stream: stream
        ).map { $0.packed() }
        let all = [Packet(declaration: 1, body: .declaration(stream)).packed()] + parts
        var station = try HandStation.connect(gateway.endpoint, epoch: epoch, packets: all, context: context)
        try station.greet()
        try station.data([1, 2], lowest: 1)
        try order(1, .frame(number: 0, layers: 3))
        try order(2, .frame(number: 9, layers: 3))
        try order(3, .numbers([77..<78]))
        for _ in 0..<3 {
            guard case .want(let want) = try station.next() else {
                Issue.record("no WANT")
                return
            }
            switch want.request {
            case 1: try station.answer(1, .accepted, packets: 2)
            case 2: try station.answer(2, .gone, packets: 0)
            default: try station.answer(want.request, .unknown, packets: 0)
            }
        }
        try wait(2, for: .gone)
        try wait(3, for: .unknown)
        try wait(1, for: .accepted)
        try station.data([3], lowest: 3)
        try station.data([4], lowest: 4)
        try wait(1, for: .done)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(try ArchiveReader.open(folder.path + "/archive").frames().first?.completeLayers == 3)
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/status.json"))
        let status = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let wants = try #require(status["wants"] as? [String: Int])
        #expect(wants["done"] == 1 && wants["gone"] == 1 && wants["unknown"] == 1 && wants["open"] == 0)
    }

    @Test("an answer to what was not asked, and a file that is no want, change nothing")
    func strange() throws {
        let gateway = try GatewayProcess(folder: folder.path)
        let all = packets(count: 3, seed: 4)
        var station = try HandStation.connect(gateway.endpoint, epoch: epoch, packets: all, context: context)
        try station.greet()
        try order(7, .frame(number: 0, layers: 3))
        let wants = folder.path + "/archive/wants"
        try "{}".write(toFile: wants + "/00000001.json", atomically: true, encoding: .utf8)
        try station.answer(1, .accepted, packets: 2)
        guard case .want(let want) = try station.next() else {
            Issue.record("no WANT")
            return
        }
        #expect(want.request == 7)
        #expect(gateway.end(SIGTERM) == 0)
        #expect(gateway.text.contains("event=want_unreadable"))
        #expect(gateway.text.contains("an answer to what was not asked"))
        #expect(try String(contentsOfFile: wants + "/00000001.json", encoding: .utf8) == "{}")
    }
}

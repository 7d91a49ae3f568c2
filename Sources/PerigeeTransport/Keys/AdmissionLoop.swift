internal import PerigeeConcurrency
internal import PerigeeLink

/// The work of an admission's thread.
final class AdmissionLoop: @unchecked Sendable {  // only the one thread that calls `run` touches `socket`
    /// Name of the property that tells a message's receiver which key its sender has.
    static let keyProperty = "Key"
    private static let limit = MessageLimit(partCount: 8, size: 4_096)
    private static let reloadMilliseconds: Int64 = 1_000

    private struct State: Sendable {
        var lists: [String: AllowList] = [:]
        var isStopping = false
        var isLost = false
    }

    private var socket: Socket?
    private let state = Locked(State())
    private let wakeUp: WakeUp
    private let progress: LoopProgress?
    private let sink: @Sendable (AdmissionEvent) -> Void

    init(
        _ socket: consuming Socket, progress: LoopProgress?, sink: @escaping @Sendable (AdmissionEvent) -> Void
    ) throws(TransportError) {
        self.progress = progress
        wakeUp = try WakeUp()
        self.sink = sink
        self.socket = consume socket
    }

    func add(_ list: AllowList) { state.withLock { $0.lists[list.name] = list } }

    func stop() {
        state.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    func lose() {
        state.withLock { $0.isLost = true }
        wakeUp.signal()
    }

    func run() {
        guard var socket = socket.take() else { return }
        do throws(TransportError) { try serve(&socket) } catch { sink(.ended(reason: "\(error)")) }
        progress?.end()
    }

    private func serve(_ socket: inout Socket) throws(TransportError) {
        var nextReload = currentTime().monotonic + Self.reloadMilliseconds
        while true {
            var poller = Poller()
            _ = poller.add(socket)
            _ = poller.add(wakeUp)
            try poller.wait(timeoutMilliseconds: Int(max(nextReload - currentTime().monotonic, 0)))
            wakeUp.clear()
            progress?.note()
            let now = state.current
            if now.isStopping { return }
            if now.isLost { throw .call(operation: "decide", endpoint: "admission", code: 0, reason: "it was lost") }
            while let parts = try socket.receive(limit: Self.limit) {
                let answer = decide(parts, now.lists)
                _ = try socket.send(answer)
            }
            guard currentTime().monotonic >= nextReload else { continue }
            for list in now.lists.values where list.reload() { sink(.changed(list: list.name)) }
            nextReload = currentTime().monotonic + Self.reloadMilliseconds
        }
    }

    private func decide(_ parts: [[UInt8]], _ lists: [String: AllowList]) -> [[UInt8]] {
        guard let request = AllowList.Request(parts) else {
            return [Array("1.0".utf8), parts.count > 1 ? parts[1] : [], Array("500".utf8), [], [], []]
        }
        let list = lists[request.domain]
        let name = request.key.flatMap { list?.admit($0) }
        if name == nil {
            sink(.denied(list: request.domain, key: request.key?.text ?? "none", address: request.address))
        }
        return request.answer(name: name)
    }
}

import Foundation
import PerigeeTestSupport
import PerigeeTransport
import Synchronization

/// A router behind CURVE with a list of its own, and what both tell.
final class CurveBench {
    let context: ZeroMQContext
    let folder: TemporaryFolder
    let own: KeyPair
    let admission: Admission
    let list: AllowList
    let told: Told
    let events: EventLog
    var router: Socket
    let endpoint: String

    /// Lets in who is named.
    init(_ allowed: [String: [PublicKey]]) throws {
        let context = try ZeroMQContext()
        let folder = try TemporaryFolder()
        let own = try KeyPair.generate()
        let told = Told()
        for (name, keys) in allowed { try KeyFile.writePublic(keys, to: folder.file("\(name).pub")) }
        let admission = try Admission(context: context) { told.append($0) }
        let list = admission.list("gateway", directory: folder.path)
        var options = SocketOptions()
        options.curve = .server(own: own, list)
        var router = try Socket(.router, context: context, options: options)
        let events = try EventLog()
        try router.observe { events.append($0) }
        try router.bind("tcp://127.0.0.1:*")
        endpoint = try router.lastEndpoint()
        self.context = context
        self.folder = folder
        self.own = own
        self.told = told
        self.admission = admission
        self.list = list
        self.events = events
        self.router = router
    }

    /// A dealer that connects with a key; its monitor's events go to the log.
    func dealer(_ role: CurveRole?, _ log: EventLog? = nil) throws -> Socket {
        var options = SocketOptions()
        options.curve = role
        options.reconnectIntervalMilliseconds = 50
        var dealer = try Socket(.dealer, context: context, options: options)
        if let log { try dealer.observe { log.append($0) } }
        try dealer.connect(endpoint)
        return dealer
    }
}

/// What an admission told, awaitable.
final class Told: Sendable {
    private let events = Mutex<[AdmissionEvent]>([])
    func append(_ event: AdmissionEvent) { events.withLock { $0.append(event) } }
    var all: [AdmissionEvent] { events.withLock { $0 } }
    /// Waits until one of the events is as asked for; bounded by the suite's time limit.
    func wait(_ isWanted: (AdmissionEvent) -> Bool) { while !all.contains(where: isWanted) { usleep(2_000) } }
}

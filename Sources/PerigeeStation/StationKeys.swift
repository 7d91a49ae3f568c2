import PerigeeConcurrency
import PerigeeConfig
import PerigeeService
import PerigeeTransport

/// A station's own keys and those of its gateway, read and checked.
struct StationKeys: Sendable {
    let own: KeyPair?
    /// One, or two while the gateway changes keys; none where the link is in the clear.
    let gateway: [PublicKey]
    /// Those of the further gateways, in their order; none where such a link is in the clear.
    let fallbacks: [[PublicKey]]

    /// Reads the files; refuses what would be in the clear where strangers are, unless the configuration wants it so.
    init(_ configuration: StationConfiguration, credentials: String?) throws(KeyError) {
        own = try KeyFile.own(configuration.secretFile, credentials: credentials)
        let hasGatewayKey = KeyFile.isThere(configuration.gatewayKeyFile)
        if own == nil, hasGatewayKey { throw .missing(path: configuration.secretFile) }
        gateway = hasGatewayKey ? try KeyFile.readPublic(configuration.gatewayKeyFile) : []
        try Endpoint.require(
            keys: !gateway.isEmpty, isInsecure: configuration.isInsecure, at: configuration.gatewayEndpoint,
            field: "gateway.endpoint")
        var fallbacks: [[PublicKey]] = []
        for (index, fallback) in configuration.fallbacks.enumerated() {
            if own == nil, fallback.keyFile != nil { throw .missing(path: configuration.secretFile) }
            fallbacks.append(try fallback.keyFile.map { path throws(KeyError) in try KeyFile.readPublic(path) } ?? [])
            try Endpoint.require(
                keys: !fallbacks[index].isEmpty, isInsecure: fallback.isInsecure, at: fallback.endpoint,
                field: "gateway.fallbacks[\(index)].endpoint")
        }
        self.fallbacks = fallbacks
        for intake in configuration.intakes {
            if intake.sourcesDirectory != nil, own == nil { throw .missing(path: configuration.secretFile) }
            try Endpoint.require(
                keys: intake.sourcesDirectory != nil, isInsecure: intake.isInsecure, at: intake.endpoint,
                field: "intake.endpoints")
        }
    }

    /// How the link to a gateway with these keys is encrypted; nil where it is not.
    func link(_ servers: [PublicKey]) -> ClientKeys? { own.flatMap { ClientKeys(own: $0, servers: servers) } }
}

/// Who may send frames: the lists of the intakes that have one, and the handler that asks them.
final class SourceGate: Sendable {
    private let admission: Admission?
    private let own: KeyPair?
    private let lost: Locked<Bool>
    private let lists: Locked<[String: AllowList]>
    private let log: ServiceLog

    /// Binds the handler, if an intake needs it: before the intakes are made.
    init(_ parts: StationParts, context: ZeroMQContext, log: ServiceLog, watchdog: Watchdog) throws(TransportError) {
        own = parts.keys.own
        let lost = Locked(false)
        self.lost = lost
        let lists = Locked<[String: AllowList]>([:])
        self.lists = lists
        self.log = log
        guard parts.configuration.intakes.contains(where: { $0.sourcesDirectory != nil }) else {
            admission = nil
            return
        }
        admission = try Admission(context: context, progress: watchdog.loop("admission")) { event in
            switch event {
            case .denied(let list, let key, let address):
                log.write(.warning, "source_denied", ["intake": list, "key": key, "address": address])
            case .changed(let name):
                guard let list = lists.current[name] else { return }
                log.write(.info, "sources_changed", ["intake": name, "count": "\(list.snapshot.names.count)"])
                Self.logProblems(of: list, log)
            case .ended(let reason):
                lost.withLock { $0 = true }
                log.write(.error, "admission_ended", ["detail": reason, "remedy": "the process ends, start it again"])
            }
        }
    }

    /// Nobody asks for keys any more: the process must end.
    var isLost: Bool { lost.current }

    /// How an intake's socket encrypts; nil where it does not.
    func role(_ intake: StationConfiguration.Intake, index: Int) -> CurveRole? {
        guard let directory = intake.sourcesDirectory, let admission, let own else { return nil }
        let list = admission.list("intake-\(index)", directory: directory)
        lists.withLock { $0[list.name] = list }
        Self.logProblems(of: list, log)
        return .server(own: own, list)
    }

    private static func logProblems(of list: AllowList, _ log: ServiceLog) {
        for problem in list.snapshot.problems {
            log.write(.error, "key_file_unusable", key: problem, ["intake": list.name, "detail": problem])
        }
    }
}

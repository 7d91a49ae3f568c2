internal import PerigeeConcurrency
internal import PerigeeCore
internal import PerigeeLink
public import PerigeeTransport

/// A gateway's own keys, and the folder of its stations' public keys.
public struct GatewayKeys: Sendable {
    public var own: KeyPair
    /// Folder of `NAME.pub` files, read anew each second.
    public var stationsDirectory: String

    /// See the properties.
    public init(own: KeyPair, stationsDirectory: String) {
        self.own = own
        self.stationsDirectory = stationsDirectory
    }

    /// The keys of a gateway whose secret is in a file or a credential; nil where it is in neither. The folder of stations may
    /// come later: until then nobody is let in.
    public static func load(
        secret: String, stations: String, credentials: String?
    ) throws(KeyError) -> GatewayKeys? {
        try KeyFile.own(secret, credentials: credentials).map { GatewayKeys(own: $0, stationsDirectory: stations) }
    }
}

/// Who may come in, and who may say what: a station speaks for the name that its key has in the list, and for no other.
struct StationGate: Sendable {
    private let admission: Admission
    let list: AllowList

    /// Binds the handler of ZAP: before the router, which is made with `role`.
    init(
        _ keys: GatewayKeys, context: ZeroMQContext, progress: LoopProgress,
        sink: @escaping @Sendable (AdmissionEvent) -> Void
    ) throws(TransportError) {
        admission = try Admission(context: context, progress: progress, sink: sink)
        list = admission.list("gateway", directory: keys.stationsDirectory)
    }

    func role(_ keys: GatewayKeys) -> CurveRole { .server(own: keys.own, list) }

    /// For tests: as if libzmq had lost the handler's socket.
    func lose() { admission.lose() }
}

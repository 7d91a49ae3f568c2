public import PerigeeConcurrency

/// Something that an admission tells those who rely on it.
public enum AdmissionEvent: Equatable, Sendable {
    /// Somebody with this key was refused.
    case denied(list: String, key: String, address: String)
    /// A list has other names, keys or problems than before.
    case changed(list: String)
    /// Nobody asks for keys any more, and libzmq would let everybody in: the process must end at once.
    case ended(reason: String)
}

/// Decides who may connect to the CURVE servers of a context: the handler of ZAP (rfc.zeromq.org/spec/27) on a thread of its
/// own. One a context. CURVE itself lets every key in, and so does libzmq where a server is bound and no handler is: the
/// option for a server takes an `AllowList`, which only a bound handler makes.
///
/// It runs until the last reference is gone.
public final class Admission: Sendable {
    private let loop: AdmissionLoop

    /// Binds the handler, then starts its thread. `sink` is called on that thread and must not wait. `progress`: who watches it.
    public init(
        context: ZeroMQContext, progress: LoopProgress? = nil, sink: @escaping @Sendable (AdmissionEvent) -> Void
    ) throws(TransportError) {
        var socket = try Socket(.reply, context: context)
        try socket.bind("inproc://zeromq.zap.01")
        let loop = try AdmissionLoop(socket, progress: progress, sink: sink)
        self.loop = loop
        _ = NamedThread("admission") { loop.run() }
    }

    deinit { loop.stop() }

    /// A list of the names that the folder's files give; read before this returns.
    public func list(_ name: String, directory: String) -> AllowList {
        let list = AllowList(name: name, directory: directory)
        loop.add(list)
        return list
    }

    /// For tests: the handler loses its socket, as by a fault of the library.
    package func lose() { loop.lose() }
}

/// What connects a server's socket to the list that it asks.
extension AllowList {
    /// Who asks whom, one request of ZAP.
    struct Request {
        let identity: [UInt8]
        let domain: String
        let address: String
        let key: PublicKey?

        /// Nil where the parts are no request of version 1.0.
        init?(_ parts: [[UInt8]]) {
            guard parts.count >= 6, parts[0] == Array("1.0".utf8) else { return nil }
            identity = parts[1]
            domain = String(decoding: parts[2], as: UTF8.self)
            address = String(decoding: parts[3], as: UTF8.self)
            let isCurve = parts.count == 7 && parts[5] == Array("CURVE".utf8)
            key = isCurve ? PublicKey(octets: parts[6]) : nil
        }

        /// The answer: 200 with the name as User-Id and the key as property `Key`, or 400.
        func answer(name: String?) -> [[UInt8]] {
            let head = [Array("1.0".utf8), identity]
            guard let name, let key else { return head + [Array("400".utf8), Array("not on the list".utf8), [], []] }
            let value = Array(key.text.utf8)
            let property =
                [UInt8(AdmissionLoop.keyProperty.utf8.count)] + Array(AdmissionLoop.keyProperty.utf8)
                + [0, 0, 0, UInt8(value.count)] + value
            return head + [Array("200".utf8), Array("OK".utf8), Array(name.utf8), property]
        }
    }
}

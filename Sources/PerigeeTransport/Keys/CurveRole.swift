internal import CZeroMQ

/// Which end of CURVE (rfc.zeromq.org/spec/26) a socket is.
public enum CurveRole: Sendable {
    /// Connects with `own`, and only to who has the secret of `server`.
    case client(own: KeyPair, server: PublicKey)
    /// Listens with `own`, and lets in whom the list names. The list proves that a handler is bound.
    case server(own: KeyPair, AllowList)

    func apply(to handle: UnsafeMutableRawPointer) throws(TransportError) {
        func set(_ option: Int32, _ octets: [UInt8], _ name: String) throws(TransportError) {
            guard zmq_setsockopt(handle, option, octets, octets.count) == 0 else { throw .last("set \(name)", "") }
        }
        switch self {
        case .client(let own, let server):
            try set(ZMQ_CURVE_SERVERKEY, server.octets, "the server's public key")
            try set(ZMQ_CURVE_PUBLICKEY, own.publicKey.octets, "the public key")
            try set(ZMQ_CURVE_SECRETKEY, own.secret.octets, "the secret key")
        case .server(let own, let list):
            var isServer: Int32 = 1
            guard zmq_setsockopt(handle, ZMQ_CURVE_SERVER, &isServer, MemoryLayout<Int32>.size) == 0 else {
                throw .last("serve CURVE", "")
            }
            try set(ZMQ_CURVE_SECRETKEY, own.secret.octets, "the secret key")
            // asks the handler; without a domain libzmq asks too, but the handler would not know which list
            try set(ZMQ_ZAP_DOMAIN, Array(list.name.utf8), "the list's name")
        }
    }
}

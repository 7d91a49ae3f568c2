import PerigeeConfig
import PerigeeTransport

/// One of the gateways that a station's configuration names.
struct StationGateway {
    /// The key that names its address.
    let field: String
    let endpoint: String
    /// File of its public keys; nil where it is greeted in the clear.
    let keyFile: String?
    let isInsecure: Bool

    /// Its public keys: one, or two while it changes them; none where it is greeted in the clear.
    func servers() throws(KeyError) -> [PublicKey] {
        guard let keyFile else { return [] }
        return try KeyFile.readPublic(keyFile)
    }
}

extension StationConfiguration {
    /// The preferred one first, as the station tries them.
    var gateways: [StationGateway] {
        let first = StationGateway(
            field: "gateway.endpoint", endpoint: gatewayEndpoint,
            keyFile: KeyFile.isThere(gatewayKeyFile) ? gatewayKeyFile : nil, isInsecure: isInsecure)
        return [first]
            + fallbacks.enumerated().map { index, fallback in
                StationGateway(
                    field: "gateway.fallbacks[\(index)].endpoint", endpoint: fallback.endpoint,
                    keyFile: fallback.keyFile, isInsecure: fallback.isInsecure)
            }
    }
}

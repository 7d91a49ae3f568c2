/// What the text of a ZeroMQ endpoint says about who can reach it.
public enum Endpoint {
    /// Whether others than this machine's own processes can connect to it, or be at its other end: everything but ipc, inproc
    /// and the loopback addresses. A name other than `localhost` counts as routable, whatever it resolves to today.
    public static func isRoutable(_ endpoint: String) -> Bool {
        if endpoint.hasPrefix("ipc://") || endpoint.hasPrefix("inproc://") { return false }
        guard endpoint.hasPrefix("tcp://") else { return true }
        // tcp://SOURCE;HOST:PORT connects from SOURCE to HOST
        let address = endpoint.dropFirst("tcp://".count).split(separator: ";").last ?? ""
        guard let colon = address.lastIndex(of: ":") else { return true }
        let host = address[..<colon].lowercased()
        if ["localhost", "lo", "[::1]", "::1"].contains(host) { return false }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress = octets.count == 4 && octets.allSatisfy { UInt8($0) != nil }
        return !(isAddress && octets[0] == "127")
    }

    /// Refuses an endpoint that strangers can reach where there are no keys, unless somebody wants it so. `field` names it.
    public static func require(
        keys hasKeys: Bool, isInsecure: Bool, at endpoint: String, field: String
    ) throws(KeyError) {
        guard !hasKeys, !isInsecure, isRoutable(endpoint) else { return }
        throw .unprotected(field: field, endpoint: endpoint)
    }
}

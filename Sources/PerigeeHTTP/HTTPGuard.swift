/// Decides whether a request may pass. A pure value.
///
/// The names in `Host` and `Origin` keep pages of other sites out, also those that point their own name at this machine; the token
/// keeps people out of all that is data.
package struct HTTPGuard: Sendable {
    /// The lines of a request that matter.
    package struct Head {
        package var method = "GET"
        package var path = "/"
        package var host: String?
        package var origin: String?
        package var authorization: String?
        /// `?token=`
        package var token: String?
        package var hasBody = false

        package init() {}
    }

    package let address: HTTPAddress
    /// Further names of this server, for example that of a proxy.
    package let hosts: [String]
    package let token: HTTPToken?

    package init(address: HTTPAddress, hosts: [String], token: HTTPToken?) {
        self.address = address
        self.hosts = hosts
        self.token = token
    }

    /// What to answer instead; nil lets it pass.
    package func refusal(_ head: Head) -> HTTPResponse? {
        guard head.method == "GET" || head.method == "HEAD" else {
            var response = HTTPResponse.error(405, "only GET and HEAD: nothing can be changed here")
            response.headers = [("Allow", "GET, HEAD")]
            return response
        }
        guard !head.hasBody else { return .error(400, "a request here has no body") }
        guard let host = head.host else { return .error(400, "no Host") }
        guard isOurs(host) else { return .error(403, "not a name of this server: add it to [http] hosts") }
        if let origin = head.origin {
            guard let name = Self.name(ofOrigin: origin), isOurs(name) else {
                return .error(403, "pages of other sites may not ask")
            }
        }
        if let token, !Self.isOpen(head.path) {
            let bearer = head.authorization.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
            guard (bearer ?? head.token).map(token.fits) ?? false else {
                var response = HTTPResponse.error(401, "the token of [http] token_file is needed")
                response.headers = [("WWW-Authenticate", "Bearer")]
                return response
            }
        }
        return nil
    }

    /// What tells nothing of this station and so needs no token: the page, which has no data in itself and asks for the token,
    /// runbooks, and whether the process lives. Spelled exactly so: everything else is data.
    private static func isOpen(_ path: String) -> Bool {
        path == "/" || path == "/livez" || path.hasPrefix("/runbook/")
    }

    /// `scheme://name[:port]`; nil of anything else, also of `null`.
    private static func name(ofOrigin origin: String) -> String? {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return nil
    }

    /// The port does not matter: a tunnel has another one, and nobody who points a name here can choose the name.
    private func isOurs(_ text: String) -> Bool {
        guard let (host, port) = HostName.split(text), port.map({ UInt16($0) != nil }) ?? true else { return false }
        let name = host.lowercased()
        if name == "localhost" || name == address.host || hosts.contains(where: { $0.lowercased() == name }) {
            return true
        }
        let isNumeric = HostName.isIPv4(name) || HostName.isIPv6(name)
        return isNumeric && (address.isWildcard || address.isLoopback && (name.hasPrefix("127.") || name == "::1"))
    }
}

/// Decides whether a request may pass. A pure value.
///
/// The names in `Host` and `Origin` keep pages of other sites out, also those that point their own name at this machine; the token
/// keeps people out.
struct HTTPGuard: Sendable {
    /// The lines of a request that matter.
    struct Head {
        var method = "GET"
        var path = "/"
        var host: String?
        var origin: String?
        var authorization: String?
        /// `?token=`
        var token: String?
        var hasBody = false
    }

    let address: HTTPAddress
    /// Further names of this server, for example that of a proxy.
    let hosts: [String]
    let token: HTTPToken?

    /// What to answer instead; nil lets it pass.
    func refusal(_ head: Head) -> HTTPResponse? {
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
        if let token, head.path != "/livez" {
            let bearer = head.authorization.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
            guard (bearer ?? head.token).map(token.fits) ?? false else {
                var response = HTTPResponse.error(401, "the token of [http] token_file is needed")
                response.headers = [("WWW-Authenticate", "Bearer")]
                return response
            }
        }
        return nil
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

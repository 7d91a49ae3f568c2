/// Why there is no server.
public enum HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text is no numeric address with a port.
    case address(String)
    /// It is reachable from elsewhere, and nobody would be asked for a token.
    case tokenNeeded(address: String)
    case token(path: String, problem: String, remedy: String)
    case listen(address: String, reason: String, isTaken: Bool)
    /// The library did not start.
    case start(address: String)

    /// It is the configuration that is wrong, not the machine.
    public var isConfiguration: Bool {
        switch self {
        case .address, .tokenNeeded, .token: true
        case .listen, .start: false
        }
    }

    public var description: String {
        switch self {
        case .address(let text):
            "[http] listen is \"\(text)\", must be a numeric address with a port such as \"127.0.0.1:9477\", or \"off\""
        case .tokenNeeded(let address):
            "[http] listen is \"\(address)\", which others can reach: name a [http] token_file, or listen on 127.0.0.1"
        case .token(let path, let problem, let remedy): "[http] token_file \(path) \(problem): \(remedy)"
        case .listen(let address, let reason, let isTaken):
            "[http] listen \(address): \(reason): "
                + (isTaken
                    ? "another process has this port, end it or choose another one"
                    : "choose an address of this machine and a port that its user may have")
        case .start(let address):
            "[http] listen \(address): the server does not start: free memory or raise LimitNOFILE"
        }
    }
}

import Glibc
import PerigeeCommandLine
import PerigeeConcurrency
import PerigeeConfig
import PerigeeLink
import PerigeeTransport

/// Can each gateway be reached with the station's keys? Connects and greets as ZMTP does, says nothing, and hangs up: the gateway
/// takes nobody for a session who has not said HELLO.
enum GatewayLook {
    static let timeoutMilliseconds = 5_000

    /// One finding for each, in the order in which the station tries them.
    static func look(_ configuration: StationConfiguration) -> [Finding] {
        configuration.gateways.map { look($0, secretFile: configuration.secretFile) }
    }

    private static func look(_ gateway: StationGateway, secretFile: String) -> Finding {
        var roles: [CurveRole?] = [nil]
        do throws(KeyError) {
            if gateway.keyFile != nil {
                let own = try KeyFile.readSecret(secretFile)
                roles = try gateway.servers().map { .client(own: own, server: $0) }
            }
        } catch {
            return .unknown(
                "gateway", "\(gateway.endpoint) is not asked, since the keys cannot be read: \(error)",
                "run it as root")
        }
        var finding = Finding.unknown(
            "gateway", "no key of \(gateway.endpoint)", "copy gateway.pub from the gateway")
        for role in roles {
            finding = probe(gateway, role)
            if finding.verdict == .good { break }
        }
        return finding
    }

    private static func probe(_ gateway: StationGateway, _ role: CurveRole?) -> Finding {
        let endpoint = gateway.endpoint
        let events = BoundedQueue<ConnectionEvent.Kind>(itemLimit: 256, octetLimit: 256)
        var options = SocketOptions()
        options.curve = role
        options.isImmediate = true
        options.lingerMilliseconds = 0
        do throws(TransportError) {
            let context = try ZeroMQContext()
            var socket = try Socket(.dealer, context: context, options: options)
            try socket.observe { _ = events.offer($0.kind, size: 1) }
            try socket.connect(endpoint)
            let finding = judge(events, endpoint, isEncrypted: role != nil)
            _ = consume socket
            return finding
        } catch {
            return .bad("gateway", "\(error)", "correct \(gateway.field)")
        }
    }

    private static func judge(
        _ events: BoundedQueue<ConnectionEvent.Kind>, _ endpoint: String, isEncrypted: Bool
    ) -> Finding {
        let deadline = currentTime().monotonic + Int64(timeoutMilliseconds)
        var isConnected = false
        while true {
            let left = deadline - currentTime().monotonic
            guard left > 0, let event = events.take(timeoutMilliseconds: Int(left)) else { break }
            switch event {
            case .ready:
                return .good("gateway", "\(endpoint) greets us\(isEncrypted ? ", encrypted" : "")")
            case .connected: isConnected = true
            case .refused:
                return .bad(
                    "gateway", "\(endpoint) does not know our key",
                    "allow it there: `perigee keys allow STATION station.pub`")
            case .protocolFailure:
                return .bad(
                    "gateway", "\(endpoint) speaks another protocol, or one end has keys and the other has none",
                    "check both configurations")
            case .greetingCut where isEncrypted:
                return .bad(
                    "gateway", "\(endpoint) hung up while greeting, as one with another key does",
                    "copy gateway.pub from the gateway again")
            case .greetingCut, .disconnected, .retry, .listening, .accepted: break
            }
        }
        let seconds = timeoutMilliseconds / 1_000
        return isConnected
            ? .bad(
                "gateway", "\(endpoint) takes connections but does not greet within \(seconds) s",
                "see that a gateway listens there, and what its log says")
            : .bad(
                "gateway", "\(endpoint) cannot be reached within \(seconds) s",
                "see that the gateway runs, and that no firewall stands between (IPAddressAllow= of the unit is one)")
    }
}

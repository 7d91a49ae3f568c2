import PerigeeConcurrency
import PerigeeConfig
import PerigeeFirmware
import PerigeeLink
import PerigeeService
import PerigeeTransport

extension Station {
    /// Connects to the gateway, and to the further ones when it does not answer.
    static func connect(
        _ parts: StationParts, store: any PacketStore, log: ServiceLog, zeroMQ: ZeroMQContext,
        progress: LoopProgress
    ) throws(StationError) -> LinkClient {
        var sender = SenderConfiguration(station: parts.name, boot: UInt64.random(in: 1...UInt64.max))
        sender.firmware = [parts.bundle.id]
        sender.ratePlan = parts.configuration.line.plan
        let addresses = zip(parts.configuration.gatewayEndpoints, [parts.keys.gateway] + parts.keys.fallbacks).map {
            endpoint, keys in
            var address = LinkClient.GatewayAddress(endpoint: endpoint)
            address.keys = parts.keys.link(keys)
            return address
        }
        for address in addresses where address.keys == nil {
            log.write(
                .warning, "unprotected", key: address.endpoint,
                [
                    "endpoint": address.endpoint,
                    "remedy": "make keys with `perigee keys gen`, unless this is a trial",
                ])
        }
        let client = LinkClient.Configuration(gateways: addresses, sender: sender)
        return try wrap { (error: TransportError) in
            .link(endpoint: parts.configuration.gatewayEndpoint, error)
        } _: {
            () throws(TransportError) in
            try LinkClient(client, store: store, context: zeroMQ, progress: progress)
        }
    }
}

extension StationConfiguration {
    /// The gateways' endpoints, the preferred one first.
    var gatewayEndpoints: [String] { [gatewayEndpoint] + fallbacks.map(\.endpoint) }
}

extension StationConfiguration.Line {
    /// As the link wants it.
    var plan: RatePlan {
        RatePlan(
            rate: rate,
            windows: windows.map { .init(fromMinute: $0.fromMinute, toMinute: $0.toMinute, rate: $0.rate) })
    }
}

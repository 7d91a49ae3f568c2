internal import PerigeeLink
internal import PerigeeService
internal import PerigeeTransport

// Who may come in, and who may say what.
extension GatewayRouter {
    func note(_ event: AdmissionEvent) {
        switch event {
        case .ended: break  // the gateway ends
        case .denied(_, let key, let address):
            log.write(.warning, "station_denied", ["key": key, "address": address])
        case .changed:
            guard let list = gate?.list else { return }
            let now = list.snapshot
            log.write(.info, "stations_changed", ["stations": "\(now.names.count)"])
            for problem in now.problems {
                log.write(.error, "key_file_unusable", key: problem, ["reason": problem])
            }
            for (peer, session) in sessions
            where session.key.flatMap({ list.name(of: $0) }) != session.hello.station.text {
                log.write(.warning, "station_revoked", ["station": session.hello.station.text])
                close(peer, .denied)
            }
        }
    }

    /// Whether the sender's key is still on the list, and the connection still the one of its session: peers choose the names
    /// of their connections, and a name can come again with another key.
    func mayPass(_ message: IdentifiedMessage, from peer: [UInt8]) -> Bool {
        guard let gate else { return true }
        guard gate.list.sender(of: message) != nil else {
            totals.deniedMessages += 1
            log.write(.warning, "message_denied", ["station": message.name ?? "none", "reason": "not on the list"])
            if sessions[peer] != nil { close(peer, .denied) }
            return false
        }
        guard let session = sessions[peer], session.key != message.key else { return true }
        // another one has taken the name: the session's own connection is gone
        totals.deniedMessages += 1
        close(peer, .denied)
        return false
    }

    /// Whether this key may greet as this station.
    func maySpeak(as station: StationName, _ key: PublicKey?) -> Bool {
        guard let gate else { return true }
        let name = key.flatMap { gate.list.name(of: $0) }
        if name == station.text { return true }
        totals.deniedMessages += 1
        log.write(
            .error, "station_impostor",
            [
                "station": station.text, "key_of": name ?? "none",
                "remedy": "correct [station] id or its .pub file",
            ])
        return false
    }
}

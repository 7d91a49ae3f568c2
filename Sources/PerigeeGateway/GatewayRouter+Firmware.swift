internal import PerigeeCore
internal import PerigeeJSON
internal import PerigeeLink
internal import PerigeeService

// Firmware for stations.
extension GatewayRouter {
    /// Looks at the folder of offers now and then, and tells stations what is new there.
    func offerFirmware(now: Int64) {
        guard offers.isLookDue(now: now) else { return }
        if offers.refresh(now: now) {
            for bundle in offers.bundles {
                log.write(
                    .info, "firmware_offered",
                    [
                        "file": bundle.path, "version": "\(bundle.version)",
                        "firmware": Hex.text(bundle.firmware),
                        "stations": bundle.stations.map { "\($0.count)" } ?? "all",
                    ])
            }
            for refusal in offers.refusals {
                log.write(.warning, "firmware_not_offered", ["file": refusal.path, "reason": refusal.reason])
            }
        }
        for peer in Array(sessions.keys) { offerFirmware(to: peer, isNewSession: false, now: now) }
    }

    func offerFirmware(to peer: [UInt8], isNewSession: Bool, now: Int64) {
        guard let session = sessions[peer] else { return }
        let offer = offers.offer(
            to: session.hello.station.text, session: session.machine.session, isNewSession: isNewSession, now: now)
        if let offer { send(.offer(offer), to: peer) }
    }

    func answer(_ fetch: LinkMessage.Fetch, to peer: [UInt8], now: Int64) {
        guard let session = sessions[peer], session.machine.session == fetch.session else { return }
        // what is not answered the station asks for again
        if let piece = offers.piece(fetch, for: session.hello.station.text, now: now) {
            send(.piece(piece), to: peer)
        }
    }

    func note(_ report: LinkMessage.BundleReport, from peer: [UInt8]) {
        guard let session = sessions[peer], session.machine.session == report.session else { return }
        let station = session.hello.station.text
        guard offers.note(report, from: station), let known = offers.progress[station] else { return }
        let isBad = report.stage == .refused || report.stage == .returned
        log.write(
            isBad ? .warning : .info, "firmware_stage",
            [
                "station": station, "version": "\(known.bundle.version)", "stage": "\(report.stage)",
                "reason": report.reason,
            ])
    }
}

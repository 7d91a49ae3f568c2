internal import PerigeeArchive
internal import PerigeeLink

// What operators want of stations besides the stream.
extension GatewayRouter {
    /// Takes what may be asked for now, and asks the sessions there are.
    func take(_ wants: [ArchiveWant]) {
        guard wants != self.wants else { return }
        self.wants = wants
        for peer in Array(sessions.keys) { ask(peer) }
    }

    /// Asks a session for what is wanted of it, each want once.
    func ask(_ peer: [UInt8]) {
        for want in wants {
            guard let session = sessions[peer] else { return }
            let hello = session.hello
            guard hello.station.text == want.station, hello.epoch == want.epoch, !session.asked.contains(want.id) else {
                continue
            }
            sessions[peer]?.asked.insert(want.id)
            let subject: LinkMessage.Want.Subject =
                switch want.subject {
                case .numbers(let ranges): .numbers(ranges)
                case .frame(let number, let layers): .frame(number: number, layers: layers)
                }
            let message = LinkMessage.Want(
                session: session.machine.session, request: want.id, priority: UInt8(clamping: want.priority),
                subject: subject)
            send(.want(message), to: peer)
            desk.note(.asked(want.id))
        }
    }
}

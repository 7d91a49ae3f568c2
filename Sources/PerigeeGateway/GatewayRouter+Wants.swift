internal import PerigeeArchive
internal import PerigeeCore
internal import PerigeeLink

// What is wanted of stations besides the stream.
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
            guard hello.station.text == want.station, !session.asked.contains(want.id),
                let subject = LinkMessage.Want.Subject(want, in: hello.epoch)
            else { continue }
            sessions[peer]?.asked.insert(want.id)
            let message = LinkMessage.Want(
                session: session.machine.session, request: want.id, priority: UInt8(clamping: want.priority),
                subject: subject)
            send(.want(message), to: peer)
            desk.note(.asked(want.id))
        }
    }
}

extension LinkMessage.Want.Subject {
    /// What a session of an epoch is asked for; nil where only one of the want's own epoch can answer.
    fileprivate init?(_ want: ArchiveWant, in epoch: Epoch) {
        switch want.subject {
        case .numbers(let ranges) where want.epoch == epoch: self = .numbers(ranges)
        case .frame(let number, let layers) where want.epoch == epoch: self = .frame(number: number, layers: layers)
        case .numbers, .frame: return nil
        case .reference(let number, let layers):
            self = .reference(epoch: want.epoch, number: number, layers: layers)
        case .plain(let number): self = .plain(epoch: want.epoch, number: number)
        }
    }
}

internal import PerigeeCore

extension SenderMachine {
    /// Whether these octets say that our key may not, or no more, speak for this station: to the greeting that was sent, or in the
    /// session. Asking again at once would be in vain, as after a refusal by ZMTP itself.
    func isDenial(_ octets: ArraySlice<UInt8>) -> Bool {
        // most messages are longer, and need not be parsed twice
        guard octets.count <= 8, case .bye(let bye)? = try? LinkMessage(parsing: octets), bye.reason == .denied else {
            return false
        }
        switch phase {
        case .greeting: return bye.session == 0
        case .open(let session): return bye.session == session.identity
        case .waiting, .checking, .offline, .connecting, .stopped: return false
        }
    }
}

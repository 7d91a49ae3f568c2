import PerigeeCore
import PerigeeLink
import PerigeeTestSupport

// What must hold, at each step and at the end.
extension LinkSimulator {
    /// What the station hears must be true, and the cumulative number of an epoch must never go back.
    mutating func observe(_ octets: [UInt8]) {
        guard let message = try? LinkMessage(parsing: octets[...]) else {
            return faults.append("the gateway sent what does not parse")
        }
        let (session, acknowledgement): (UInt32, Acknowledgement)
        switch message {
        case .ack(let ack): (session, acknowledgement) = (ack.session, ack.acknowledgement)
        case .welcome(let welcome): (session, acknowledgement) = (welcome.session, welcome.acknowledgement)
        default: return
        }
        guard let epoch = gateway.sessions[session], fate != .restored else { return }
        if acknowledgement.cumulative < gateway.greatest[epoch] ?? 0, station.disk.state.isLost == false {
            faults.append("the cumulative number fell")
        }
        gateway.greatest[epoch] = acknowledgement.cumulative
    }

    /// A station may let go only of what is in the archive under its number, or explained there.
    mutating func checkSettled(_ epoch: Epoch, _ acknowledgement: Acknowledgement) {
        for packet in station.memory.held(epoch) where acknowledgement.contains(packet.number) {
            let shelf = gateway.archive[epoch]
            if let archived = shelf?.packets[packet.number] {
                if archived[...] != packet.packet { faults.append("\(packet.number) is another packet in the archive") }
            } else if shelf?.explains(packet.number) != true {
                faults.append("\(packet.number) was let go of, and is not in the archive")
            }
        }
    }

    /// How often each packet that was given is in the archive.
    private func copies() -> [Int] {
        var copies = [Int](repeating: 0, count: given.count)
        for packet in gateway.archive.values.flatMap(\.packets.values) {
            guard case .part(let part)? = (try? Packet(parsing: packet[...]))?.body else { continue }
            let index = Int(part.frameDelta)
            if given.indices.contains(index), given[index].packet == packet { copies[index] += 1 }
        }
        return copies
    }

    /// What is wrong at the end of a run.
    func verdict() -> [String] {
        var wrong = faults
        for (index, count) in copies().enumerated() {
            let packet = given[index]
            if packet.isDamaged {
                if count > 0 { wrong.append("damaged packet \(index) is in the archive") }
            } else if count == 0, packet.isCommitted, !packet.mayBeLost {
                wrong.append("packet \(index) is not in the archive")
            } else if count > 1, !packet.mayRepeat {
                wrong.append("packet \(index) is in the archive \(count) times")
            }
        }
        // an old copy has no word for what came after it: the holes of its epoch stay open, and the conflict is an alarm
        if fate != .restored {
            for shelf in gateway.archive.values {
                let highest = shelf.packets.keys.max() ?? 0
                let holes = (0..<highest).filter { !shelf.explains($0 + 1) }
                if !holes.isEmpty { wrong.append("\(holes.count) numbers of an epoch are not explained") }
            }
        }
        return wrong
    }
}

import PerigeeCore
import PerigeeService
import PerigeeSpool

// Lines of single frames, each with a key of its own: none stands for another.
extension ServiceLog {
    func write(stored item: UplinkItem, packetSize: Int) {
        guard level <= .debug else { return }
        write(
            .debug, "frame_stored", key: "\(item.assignment.frame)",
            [
                "sensor": item.ticket.label, "frame": "\(item.assignment.frame)", "priority": "\(item.priority)",
                "layers": "\(item.layers.count)", "raw_bytes": "\(item.rawSize)", "packet_bytes": "\(packetSize)",
            ])
    }

    func write(settled frame: SettledFrame, now: Timestamp) {
        guard level <= .debug else { return }
        let milliseconds = now.milliseconds - frame.stored.milliseconds
        write(
            .debug, "frame_settled", key: "\(frame.epoch.text) \(frame.number)",
            [
                "sensor": frame.label, "frame": "\(frame.number)", "fate": frame.fate.name,
                "packet_bytes": "\(frame.packetSize)", "waited_ms": "\(milliseconds)",
            ])
    }
}

extension SettledFrame.Fate {
    fileprivate var name: String {
        switch self {
        case .delivered(let isThinned): isThinned ? "thinned" : "delivered"
        case .dropped(let reason): "\(reason)"
        case .quarantined: "quarantined"
        }
    }
}

import PerigeeCore
import PerigeeSpool

extension UplinkItem {
    /// Its packets as the spool takes them, by layer. `isDeclared`: the spool has its declaration.
    func spoolFrame(isDeclared: Bool, stored: Timestamp) -> SpoolFrame {
        let packets = Packet.parts(
            of: layers + finer, metadata: metadata, frame: assignment.frame, declaration: assignment.number,
            stream: assignment.stream)
        var all = [[[UInt8]]](repeating: [], count: max(layers.count + finer.count, 1))
        for packet in packets {
            guard case .part(let part) = packet.body else { continue }
            all[part.layer].append(packet.packed())
        }
        let sent = max(layers.count, 1)
        return SpoolFrame(
            number: assignment.frame, label: ticket.label, priority: priority, rawSize: rawSize, stored: stored,
            declaration: isDeclared
                ? nil : SpoolDeclaration(number: assignment.number, packet: assignment.declarationPacket),
            layers: Array(all.prefix(sent)), finer: Array(all.dropFirst(sent)), raw: raw)
    }
}

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

/// Packets of one frame.
enum FramePackets {
    /// The packets of a frame's first `layers` layers, parsed; nil where any is missing, or the last of these layers is not there.
    static func whole(_ octets: [[UInt8]], layers: Int) -> [Packet]? {
        var packets: [Packet] = []
        var last: Packet.Part?
        for (index, octets) in octets.enumerated() {
            guard let packet = try? Packet(parsing: octets[...]), case .part(let part) = packet.body, part.part == index
            else { return nil }
            packets.append(packet)
            last = part
        }
        guard let last, last.isLastOfLayer, last.layer == layers - 1 else { return nil }
        return packets
    }

    /// Their octets by layer, from layer 0 on.
    static func byLayer(_ packets: [Packet]) -> [[[UInt8]]] {
        var layers: [[[UInt8]]] = [[]]
        for packet in packets {
            guard case .part(let part) = packet.body else { continue }
            while layers.count <= part.layer { layers.append([]) }
            layers[part.layer].append(packet.packed())
        }
        return layers
    }
}

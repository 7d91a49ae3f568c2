package import PerigeeCore

/// How many octets of payload each layer of a frame may have, so that its packets as a whole stay within the target.
package enum FrameBudget {
    /// Payloads below this are not worth a packet of their own: their octets go to the next layer.
    package static let smallestLayer = 32

    /// Octets that a frame's packets may have together.
    package static func size(rawSize: Int, target: Double) -> Int { Int(Double(rawSize) / max(target, 1)) }

    /// Cumulative budgets for layers that end at these ratios, coarse to fine. Every octet of every packet counts: headers, metadata, checksums,
    /// and `charge` octets of the stream's declaration.
    package static func payloads(
        rawSize: Int, ratios: [Double], assignment: StreamTable.Assignment, metadata: FrameMetadata
    ) -> [Int] {
        var head = ByteWriter()
        metadata.pack(into: &head, declaration: assignment.stream)
        var common = ByteWriter()
        common.writeVarint(assignment.number)
        common.writeVarint(assignment.frame - assignment.stream.baseFrame)
        let first = 1 + common.bytes.count + head.bytes.count + Packet.checksumSize + assignment.charge
        var packets = 1
        var budgets: [Int] = []
        for (index, ratio) in ratios.enumerated() {
            let whole = size(rawSize: rawSize, target: ratio)
            // Each layer begins a packet, and no packet is shorter than `Packet.sizeLimit` but the last of a layer.
            let later = packets - 1 + whole / (Packet.sizeLimit - 64)
            var part = ByteWriter()
            part.writeVarint(max(later, 1))
            let overhead = first + later * (1 + common.bytes.count + part.bytes.count + Packet.checksumSize)
            let budget = max(0, whole - overhead)
            let isLast = index == ratios.count - 1
            guard isLast || budget - (budgets.last ?? 0) >= smallestLayer else {
                budgets.append(budgets.last ?? 0)
                continue
            }
            budgets.append(max(budget, budgets.last ?? 0))
            packets += 1
        }
        return budgets
    }
}

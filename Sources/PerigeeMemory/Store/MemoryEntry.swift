import PerigeeCore

/// A frame in memory with what memory knows of it: one row of the file.
struct MemoryEntry {
    var frame: MemoryFrame
    /// Number of the frame that was the first of its place.
    var place: Int64
    var acknowledged = AcknowledgedLayers()
    /// References that stand behind each other below it.
    var depth: Int
    /// See `FrameWorth`; advice, not covered by the checksum.
    var worth: Int64 = 0
    /// Row of the declaration.
    var declaration: Int64 = 0

    var id: Int64 { Int64(clamping: frame.frame) }

    /// When the frame was taken, or received; nil where nobody knows.
    var time: Timestamp? { frame.metadata.time.stamp }

    /// Acknowledged layers without a gap.
    var usable: Int { min(acknowledged.prefixCount, frame.layers.count) }

    /// Layers that a reference to it may count; 0 where it is none. The last of them has octets: of one without, which has no
    /// packet, the far end knows nothing before a later one comes.
    var nameable: Int {
        guard depth < MemoryLimit.depth else { return 0 }
        return frame.layers.prefix(usable).lastIndex { !$0.octets.isEmpty }.map { $0 + 1 } ?? 0
    }

    /// Notes layers that were filed. One without octets has no packet: it is there once the first packet of the frame is.
    mutating func acknowledge(_ layers: [Int]) {
        for layer in layers where layer < frame.layers.count { acknowledged.insert(layer) }
        let first = frame.layers.firstIndex { !$0.octets.isEmpty } ?? 0
        guard acknowledged.contains(first) else { return }
        for (index, layer) in frame.layers.enumerated() where layer.octets.isEmpty { acknowledged.insert(index) }
    }

    /// The ratio that the acknowledged layers reach; 0 where there are none.
    var ratio: Int { usable == 0 ? 0 : frame.layers[usable - 1].ratio }

    /// The distortion at those layers.
    var distortion: Float? { usable == 0 ? nil : frame.layers[usable - 1].distortion }

    /// A key once it is acknowledged: plain, and sent as fine as 300x.
    var willBeKey: Bool {
        depth == 0 && frame.sentLayers > 0 && frame.layers[frame.sentLayers - 1].ratio <= MemoryRatio.key
    }

    /// Clear share in thousandths.
    var clear: Int64 { Int64((frame.clearShare * 1_000).rounded()) }

    var declarationOctets: [UInt8] {
        var writer = ByteWriter()
        frame.declaration.pack(into: &writer)
        return writer.bytes
    }

    /// Over everything that makes the entry what it is; `body` and `declaration` are their octets.
    func checksum(epoch: Epoch, body: [UInt8], declaration: [UInt8]) -> UInt32 {
        var writer = ByteWriter()
        writer.write(epoch.bytes)
        for number in [
            id, place, time?.milliseconds ?? 0, time == nil ? 0 : 1, Int64(acknowledged.bits),
            Int64(frame.layers.count), Int64(depth), Int64(ratio), Int64(distortion?.bitPattern ?? 0),
            distortion == nil ? 0 : 1, clear, Int64(declaration.count), Int64(body.count),
        ] { writer.write(number) }
        return CRC32C.checksum(body, seed: CRC32C.checksum(declaration, seed: CRC32C.checksum(writer.bytes)))
    }

    /// As a decoder needs it.
    var remembered: RememberedFrame {
        RememberedFrame(
            frame: frame.frame, declaration: frame.declaration, metadata: frame.metadata,
            layers: frame.layers.prefix(usable).map(\.octets), references: frame.references, depth: depth,
            clearShare: frame.clearShare, clearMap: frame.clearMap)
    }
}

extension FrameMetadata.Time {
    var stamp: Timestamp? {
        switch self {
        case .unknown: nil
        case .acquired(let time), .received(let time): time
        }
    }
}

// The octets of a row's `body`: sensor, metadata, references, clear map, layers. Source: Docs/memory.md, "The file".
extension MemoryEntry {
    /// Octets of a body beside its layers at most.
    static let headSize = 16 << 10

    var body: [UInt8] {
        var metadata = ByteWriter()
        frame.metadata.pack(into: &metadata, declaration: frame.declaration)
        var writer = ByteWriter()
        writer.writeText(frame.sensor)
        writer.writeVarint(metadata.bytes.count)
        writer.write(metadata.bytes)
        writer.writeVarint(frame.references.count)
        for reference in frame.references {
            writer.writeVarint(frame.frame - reference.frame)
            writer.writeVarint(reference.layers)
        }
        writer.writeVarint(frame.clearMap.count)
        writer.write(frame.clearMap)
        writer.writeVarint(frame.sentLayers)
        writer.writeVarint(frame.layers.count)
        for layer in frame.layers {
            writer.writeVarint(layer.octets.count)
            writer.writeVarint(layer.ratio)
            writer.write(UInt8(layer.distortion == nil ? 0 : 1))
            if let distortion = layer.distortion { writer.write(distortion) }
        }
        for layer in frame.layers { writer.write(layer.octets) }
        return writer.bytes
    }

    /// Reads a body; `number` and `clear` stand in columns of their own.
    static func frame(
        _ number: UInt64, body: [UInt8], declaration: StreamDeclaration, clear: Int64
    ) throws(FormatError) -> MemoryFrame {
        var reader = ByteReader(body)
        let sensor = try reader.readText("sensor", limit: DeclarationLimit.text)
        let metadataSize = try reader.readVarint("metadata size", limit: headSize)
        var part = ByteReader(try reader.read("metadata", count: metadataSize))
        let metadata = try FrameMetadata(parsing: &part, declaration: declaration)
        try part.finish("metadata")
        var references: [MemoryReference] = []
        for _ in 0..<(try reader.readVarint("references", limit: MemoryLimit.references)) {
            let back = try reader.readVarint("reference")
            guard (1...number).contains(back) else {
                throw .unknown(field: "reference", value: "\(back)", expected: "an earlier frame")
            }
            let layers = try reader.readVarint("reference layers", limit: MemoryLimit.layers)
            references.append(MemoryReference(frame: number - back, layers: layers))
        }
        let mapSize = try reader.readVarint("clear map", limit: MemoryLimit.clearMapSize)
        let clearMap = Array(try reader.read("clear map", count: mapSize))
        let sentLayers = try reader.readVarint("sent layers", limit: MemoryLimit.layers)
        var layers: [MemoryFrame.Layer] = []
        var sizes: [Int] = []
        for _ in 0..<(try reader.readVarint("layers", limit: MemoryLimit.layers)) {
            sizes.append(try reader.readVarint("layer size", limit: MemoryLimit.frameSize))
            let ratio = try reader.readVarint("ratio", limit: Int(Int32.max))
            let hasDistortion = try reader.read("distortion flag", as: UInt8.self) == 1
            layers.append(
                .init(octets: [], ratio: ratio, distortion: hasDistortion ? try reader.readFloat("distortion") : nil))
        }
        for (index, size) in sizes.enumerated() {
            layers[index].octets = Array(try reader.read("layer \(index)", count: size))
        }
        try reader.finish("body")
        return MemoryFrame(
            frame: number, sensor: sensor, declaration: declaration, metadata: metadata, layers: layers,
            sentLayers: sentLayers, references: references, clearShare: Double(clear) / 1_000, clearMap: clearMap)
    }
}

/// The unit of spool, acknowledgement and archive: one segment of one layer of one frame, or a declaration.
/// Source: Docs/packet-format.md, "Packet".
public struct Packet: Equatable, Sendable {
    /// Octets of a whole packet, header and checksum included.
    public static let sizeLimit = 8_192
    /// Octets of the checksum at the end.
    public static let checksumSize = 4
    public static let layerLimit = 31
    public static let partLimit = 1 << 24
    public static let declarationLimit = 1 << 20

    /// What a packet is.
    public enum Body: Equatable, Sendable {
        /// A stream is declared under the packet's declaration number.
        case declaration(StreamDeclaration)
        /// A segment of a frame.
        case part(Part)
    }

    /// One segment of one layer of one frame.
    public struct Part: Equatable, Sendable {
        /// Counts from the base frame of the declaration.
        public var frameDelta: UInt64
        /// From 0 within the frame, through all layers.
        public var part: Int
        public var layer: Int
        /// No more parts of this layer follow.
        public var isLastOfLayer: Bool
        /// Unread octets of the metadata and payload of part 0, or the payload of a later part.
        public var content: ArraySlice<UInt8>

        /// A segment; see the properties.
        public init(frameDelta: UInt64, part: Int, layer: Int, isLastOfLayer: Bool, content: ArraySlice<UInt8>) {
            self.frameDelta = frameDelta
            self.part = part
            self.layer = layer
            self.isLastOfLayer = isLastOfLayer
            self.content = content
        }

        /// Splits the content of part 0 into metadata and payload; later parts have no metadata.
        public func split(
            declaration: StreamDeclaration
        ) throws(FormatError) -> (metadata: FrameMetadata?, payload: ArraySlice<UInt8>) {
            guard part == 0 else { return (nil, content) }
            var reader = ByteReader(content)
            let metadata = try FrameMetadata(parsing: &reader, declaration: declaration)
            return (metadata, reader.readRest())
        }
    }

    /// Number of the declaration that this packet makes or refers to, unique in its epoch.
    public var declaration: Int
    public var body: Body

    /// A packet; see the properties.
    public init(declaration: Int, body: Body) {
        self.declaration = declaration
        self.body = body
    }
}

private enum Kind {
    static let first: UInt8 = 0
    static let later: UInt8 = 1
    static let declaration: UInt8 = 2
}

extension Packet {
    /// The octets of this packet with the checksum behind them.
    public func packed() -> [UInt8] {
        var writer = ByteWriter()
        switch body {
        case .declaration(let stream):
            writer.write(Kind.declaration)
            writer.writeVarint(declaration)
            stream.pack(into: &writer)
        case .part(let part):
            let kind = part.part == 0 ? Kind.first : Kind.later
            writer.write(kind | (part.isLastOfLayer ? 4 : 0) | UInt8(part.layer) << 3)
            writer.writeVarint(declaration)
            writer.writeVarint(part.frameDelta)
            if part.part > 0 { writer.writeVarint(part.part) }
            writer.write(part.content)
        }
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// Reads one whole packet and checks its checksum.
    public init(parsing bytes: ArraySlice<UInt8>) throws(FormatError) {
        guard bytes.count <= Self.sizeLimit else {
            throw .outOfRange(field: "packet size", value: bytes.count, limit: Self.sizeLimit)
        }
        guard bytes.count > Self.checksumSize else {
            throw .truncated(field: "packet", needed: Self.checksumSize + 1, available: bytes.count)
        }
        let covered = bytes.dropLast(Self.checksumSize)
        var tail = ByteReader(bytes.suffix(Self.checksumSize))
        let found = try tail.read("packet checksum", as: UInt32.self)
        let computed = CRC32C.checksum(covered)
        guard found == computed else { throw .checksum(field: "packet checksum", found: found, computed: computed) }
        var reader = ByteReader(covered)
        let flags = try reader.read("packet flags", as: UInt8.self)
        let declaration = try reader.readVarint("declaration number", limit: Self.declarationLimit)
        switch flags & 3 {
        case Kind.declaration:
            guard flags == Kind.declaration else {
                throw .unknown(field: "packet flags", value: "\(flags)", expected: "2 for a declaration")
            }
            let stream = try StreamDeclaration(parsing: &reader)
            try reader.finish("declaration")
            self.init(declaration: declaration, body: .declaration(stream))
        case Kind.first, Kind.later:
            let frameDelta = try reader.readVarint("frame")
            var part = 0
            if flags & 3 == Kind.later {
                part = try reader.readVarint("part", limit: Self.partLimit)
                guard part > 0 else { throw .unknown(field: "part", value: "0", expected: "1 or more") }
            }
            self.init(
                declaration: declaration,
                body: .part(
                    Part(
                        frameDelta: frameDelta, part: part, layer: Int(flags >> 3), isLastOfLayer: flags & 4 != 0,
                        content: reader.readRest())))
        default: throw .unknown(field: "packet kind", value: "3", expected: "0, 1 or 2")
        }
    }

    /// Cuts the layers of one frame into packets of at most `sizeLimit` octets. An empty layer makes no packet, except
    /// that a frame always has part 0.
    public static func parts(
        of layers: [[UInt8]], metadata: FrameMetadata, frame: UInt64, declaration number: Int,
        stream: StreamDeclaration
    ) -> [Packet] {
        var head = ByteWriter()
        metadata.pack(into: &head, declaration: stream)
        var packets: [Packet] = []
        func append(layer: Int, isLast: Bool, content: [UInt8]) {
            let part = Part(
                frameDelta: frame - stream.baseFrame, part: packets.count, layer: layer, isLastOfLayer: isLast,
                content: content[...])
            packets.append(Packet(declaration: number, body: .part(part)))
        }
        let room = sizeLimit - 32  // flags, varints of declaration, frame and part at their longest, checksum
        for (layer, payload) in layers.enumerated() where !payload.isEmpty {
            var rest = payload[...]
            while !rest.isEmpty {
                let prefix = packets.isEmpty ? head.bytes : []
                let piece = rest.prefix(room - prefix.count)
                rest = rest.dropFirst(piece.count)
                append(layer: layer, isLast: rest.isEmpty, content: prefix + piece)
            }
        }
        if packets.isEmpty { append(layer: 0, isLast: true, content: head.bytes) }
        return packets
    }
}

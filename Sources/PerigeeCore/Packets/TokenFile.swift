/// One frame in a file (`.pgt`). Source: Docs/packet-format.md, "Token file".
public struct TokenFile: Equatable, Sendable {
    public static let version: UInt8 = 1
    public static let layerLimit = 15

    public var epoch: Epoch
    public var declaration: StreamDeclaration
    public var frame: UInt64
    public var metadata: FrameMetadata
    /// Layers in order; the payload of the file is all of them behind each other.
    public var layers: [ArraySlice<UInt8>]

    /// A file of 1 to 15 layers.
    public init(
        epoch: Epoch, declaration: StreamDeclaration, frame: UInt64, metadata: FrameMetadata,
        layers: [ArraySlice<UInt8>]
    ) {
        invariant((1...Self.layerLimit).contains(layers.count), "a token file has 1 to 15 layers")
        self.epoch = epoch
        self.declaration = declaration
        self.frame = frame
        self.metadata = metadata
        self.layers = layers
    }

    /// The header: everything before the payload.
    private var header: [UInt8] {
        var writer = ByteWriter()
        writer.write("PGT".utf8)
        writer.write(Self.version | UInt8(layers.count) << 4)
        writer.write(epoch.bytes)
        declaration.pack(into: &writer)
        writer.writeVarint(frame)
        metadata.pack(into: &writer, declaration: declaration)
        for layer in layers { writer.writeVarint(layer.count) }
        writer.write(UInt16(truncatingIfNeeded: CRC32C.checksum(writer.bytes)))
        return writer.bytes
    }

    /// Octets of the file that are not payload, for layers of the sizes that this value has.
    public var overhead: Int { header.count + Packet.checksumSize }

    /// The whole file.
    public func packed() -> [UInt8] {
        var bytes = header
        for layer in layers { bytes.append(contentsOf: layer) }
        var tail = ByteWriter()
        tail.write(CRC32C.checksum(bytes))
        return bytes + tail.bytes
    }

    /// Reads a file. Where the payload is cut short and `allowsPrefix` is set, the layers end where the octets do and the
    /// checksum at the end, which is not there, is not asked for; the header must always be whole.
    public init(parsing bytes: [UInt8], allowsPrefix: Bool = false) throws(FormatError) {
        var reader = ByteReader(bytes)
        let magic = try reader.read("magic", count: 3)
        guard magic.elementsEqual("PGT".utf8) else {
            throw .unknown(field: "magic", value: "0x\(Hex.text(magic))", expected: "\"PGT\": this is no token file")
        }
        let mark = try reader.read("version", as: UInt8.self)
        guard mark & 15 == Self.version else {
            throw .unknown(
                field: "version", value: "\(mark & 15)",
                expected: "\(Self.version): use the release that wrote the file")
        }
        let count = Int(mark >> 4)
        guard count > 0 else { throw .unknown(field: "layer count", value: "0", expected: "1 to 15") }
        let epoch = try Epoch(bytes: reader.read("epoch", count: Epoch.size))
        let declaration = try StreamDeclaration(parsing: &reader)
        let frame = try reader.readVarint("frame")
        let metadata = try FrameMetadata(parsing: &reader, declaration: declaration)
        var sizes: [Int] = []
        for index in 0..<count { sizes.append(try reader.readVarint("layer \(index) size", limit: 1 << 40)) }
        let computed = UInt16(truncatingIfNeeded: CRC32C.checksum(bytes[..<reader.position]))
        let found = try reader.read("header checksum", as: UInt16.self)
        guard found == computed else {
            throw .checksum(field: "header checksum", found: UInt32(found), computed: UInt32(computed))
        }
        var layers: [ArraySlice<UInt8>] = []
        for (index, size) in sizes.enumerated() {
            let available = allowsPrefix ? min(size, reader.remaining) : size
            layers.append(try reader.read("layer \(index)", count: available))
        }
        let isPrefix = allowsPrefix && reader.remaining < Packet.checksumSize
        if !isPrefix {
            let computed = CRC32C.checksum(bytes[..<reader.position])
            let found = try reader.read("file checksum", as: UInt32.self)
            guard found == computed else { throw .checksum(field: "file checksum", found: found, computed: computed) }
            try reader.finish("file")
        }
        self.init(epoch: epoch, declaration: declaration, frame: frame, metadata: metadata, layers: layers)
    }
}

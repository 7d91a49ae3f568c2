/// What is a frame's own: time, origin, sun, place, references. Source: Docs/packet-format.md, "Frame metadata".
public struct FrameMetadata: Equatable, Sendable {
    /// When the frame was taken, or only when it was received where nobody said.
    public enum Time: Equatable, Sendable {
        case unknown
        case acquired(Timestamp)
        case received(Timestamp)
    }

    /// What must be known of earlier frames to decode this one.
    public struct References: Equatable, Sendable {
        /// One to `limit`, in the order in which their samples count.
        public var frames: [Reference]
        /// Quarters, 0 to `mixLimit`, that the second frame which shows a place has in it, behind the first.
        public var mix: Int
        /// The CRC-32C of the reference that they make.
        public var hash: UInt32

        public static let limit = 4
        public static let mixLimit = 2
        /// How many predictions may lie behind a frame: one from a plain frame has 1.
        public static let depthLimit = 8

        /// References to the frames that make the reference of this hash.
        public init(frames: [Reference], mix: Int = 0, hash: UInt32) {
            self.frames = frames
            self.mix = mix
            self.hash = hash
        }
    }

    /// An earlier frame, of which the first layers count.
    public struct Reference: Equatable, Hashable, Sendable {
        /// How much lower its number is, in the same epoch; 0: it is of another epoch and known by the hash alone.
        public var back: UInt64
        /// How many of its layers count, from the first on, 1 to 15.
        public var layers: Int

        public static let backLimit: UInt64 = 1 << 48
        public static let layerLimit = 15

        /// A reference to the first layers of an earlier frame.
        public init(back: UInt64, layers: Int) {
            self.back = back
            self.layers = layers
        }
    }

    public var time = Time.unknown
    /// Outer corner of the first sample in the units of the CRS: `c` and `f` of the affine transform.
    public var origin: Origin?
    /// Degrees above the horizon, in halves from -37 to 90.5.
    public var sunElevation: Double?
    public var place: String?
    public var group: String?
    public var references: References?
    /// Of a plain frame that was encoded once more because the far end cannot decode its first encoding. Not together with `references`.
    public var replaces: Replaced?

    /// Which frame a plain one stands in for.
    public enum Replaced: Hashable, Sendable {
        /// The one whose number is so much lower, 1 or more, in the same epoch.
        case earlier(back: UInt64)
        /// One of another epoch.
        case other(Epoch, frame: UInt64)

        static let frameLimit: UInt64 = 1 << 62
    }

    /// `c` and `f` of the affine transform.
    public struct Origin: Equatable, Sendable {
        public var x: Double
        public var y: Double

        /// An origin in units of the CRS.
        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// Metadata of which nothing is known.
    public init() {}
}

private enum Flag {
    static let timeMask: UInt8 = 3
    static let originShift: UInt8 = 2
    static let sun: UInt8 = 16
    static let place: UInt8 = 32
    static let group: UInt8 = 64
    static let references: UInt8 = 128
}

extension FrameMetadata {
    /// Appends the octets; `declaration` gives the base of time and the grid of the origin.
    public func pack(into writer: inout ByteWriter, declaration: StreamDeclaration) {
        let steps = originSteps(of: declaration)
        var flags: UInt8 = timeCode(base: declaration.baseTime)
        if origin != nil { flags |= (steps == nil ? 2 : 1) << Flag.originShift }
        if sunElevation != nil { flags |= Flag.sun }
        if place != nil { flags |= Flag.place }
        if group != nil { flags |= Flag.group }
        if references != nil || replaces != nil { flags |= Flag.references }
        writer.write(flags)
        switch time {
        case .unknown: break
        case .acquired(let time), .received(let time):
            let difference = time.milliseconds &- declaration.baseTime.milliseconds
            writer.writeSignedVarint(flags & Flag.timeMask == 1 ? difference / 1_000 : difference)
        }
        if let steps {
            writer.writeSignedVarint(steps.x)
            writer.writeSignedVarint(steps.y)
        } else if let origin {
            writer.write(origin.x)
            writer.write(origin.y)
        }
        if let sunElevation { writer.write(UInt8(min(max((sunElevation + 37) * 2, 0), 255).rounded())) }
        if let place { writer.writeText(place) }
        if let group { writer.writeText(group) }
        if let references {
            writer.writeVarint(8 * references.mix + references.frames.count)
            for reference in references.frames {
                writer.writeVarint(reference.back << 4 | UInt64(reference.layers - 1))
            }
            writer.write(references.hash)
        } else if let replaces {
            writer.writeVarint(0)
            replaces.pack(into: &writer)
        }
    }

    private func timeCode(base: Timestamp) -> UInt8 {
        switch time {
        case .unknown: 0
        case .acquired(let time): (time.milliseconds &- base.milliseconds).isMultiple(of: 1_000) ? 1 : 2
        case .received: 3
        }
    }

    /// The origin in whole pixels where that is exact and the grid has square north-up pixels.
    private func originSteps(of declaration: StreamDeclaration) -> (x: Int64, y: Int64)? {
        guard let origin, let grid = declaration.grid, grid.isNorthUp else { return nil }
        let x = (origin.x / grid.matrix[0]).rounded()
        let y = (origin.y / -grid.matrix[3]).rounded()
        guard abs(x) < 1e9, abs(y) < 1e9, x * grid.matrix[0] == origin.x, y * -grid.matrix[3] == origin.y else {
            return nil
        }
        return (Int64(x), Int64(y))
    }

    /// Reads metadata; it ends where its last field does.
    public init(parsing reader: inout ByteReader, declaration: StreamDeclaration) throws(FormatError) {
        self.init()
        let flags = try reader.read("metadata flags", as: UInt8.self)
        if flags & Flag.timeMask != 0 {
            let difference = try reader.readSignedVarint("time")
            let (scaled, overflow) = difference.multipliedReportingOverflow(by: flags & Flag.timeMask == 1 ? 1_000 : 1)
            let (sum, overflow2) = declaration.baseTime.milliseconds.addingReportingOverflow(scaled)
            // Years 0 to 9999, so that the time has a text in RFC 3339.
            guard !overflow, !overflow2, (-62_167_219_200_000...253_402_300_799_999).contains(sum) else {
                throw .unknown(field: "time", value: "\(difference)", expected: "a moment in the years 0 to 9999")
            }
            let stamp = Timestamp(milliseconds: sum)
            time = flags & Flag.timeMask == 3 ? .received(stamp) : .acquired(stamp)
        }
        switch (flags >> Flag.originShift) & 3 {
        case 0: break
        case 1:
            guard let grid = declaration.grid, grid.isNorthUp else {
                throw .mismatch(field: "origin", found: "whole pixels", expected: "no north-up grid in the declaration")
            }
            let x = try reader.readSignedVarint("origin x")
            let y = try reader.readSignedVarint("origin y")
            origin = Origin(x: Double(x) * grid.matrix[0], y: Double(y) * -grid.matrix[3])
        case 2: origin = Origin(x: try reader.readDouble("origin x"), y: try reader.readDouble("origin y"))
        default: throw .unknown(field: "origin form", value: "3", expected: "0, 1 or 2")
        }
        if let origin, !origin.x.isFinite || !origin.y.isFinite {
            throw .unknown(field: "origin", value: "not a number", expected: "finite numbers")
        }
        if flags & Flag.sun != 0 {
            sunElevation = Double(try reader.read("sun elevation", as: UInt8.self)) / 2 - 37
        }
        if flags & Flag.place != 0 { place = try reader.readText("place", limit: DeclarationLimit.text) }
        if flags & Flag.group != 0 { group = try reader.readText("group", limit: DeclarationLimit.text) }
        if flags & Flag.references != 0 {
            let shape = try reader.readVarint("reference count", limit: 8 * References.mixLimit + References.limit)
            if shape == 0 {
                replaces = try Replaced(parsing: &reader)
            } else {
                references = try References(shape: shape, parsing: &reader)
            }
        }
    }
}

extension FrameMetadata.Replaced {
    /// The identity of the frame that is replaced by the frame `number` of `epoch`; nil where there can be none.
    public func identity(epoch: Epoch, number: UInt64) -> (epoch: Epoch, number: UInt64)? {
        switch self {
        case .earlier(let back): back <= number ? (epoch, number - back) : nil
        case .other(let epoch, let frame): (epoch, frame)
        }
    }

    fileprivate func pack(into writer: inout ByteWriter) {
        switch self {
        case .earlier(let back): writer.writeVarint(back)
        case .other(let epoch, let frame):
            writer.writeVarint(0)
            writer.write(epoch.bytes)
            writer.writeVarint(frame)
        }
    }

    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        let back = try reader.readVarint("replaced frame")
        guard back <= FrameMetadata.Reference.backLimit else {
            throw .unknown(field: "replaced frame", value: "\(back) frames back", expected: "at most 2^48 frames back")
        }
        guard back == 0 else {
            self = .earlier(back: back)
            return
        }
        let epoch = try Epoch(bytes: try reader.read("replaced epoch", count: Epoch.size))
        let frame = try reader.readVarint("replaced frame")
        guard frame < Self.frameLimit else {
            throw .unknown(field: "replaced frame", value: "\(frame)", expected: "below 2^62")
        }
        self = .other(epoch, frame: frame)
    }
}

extension FrameMetadata.References {
    fileprivate init(shape: Int, parsing reader: inout ByteReader) throws(FormatError) {
        let (count, mix) = (shape & 7, shape >> 3)
        guard (1...Self.limit).contains(count), mix == 0 || count > 1 else {
            throw .unknown(
                field: "reference count", value: "\(count) with \(mix) quarters of the second",
                expected: "1 to \(Self.limit), and two for quarters")
        }
        var frames: [FrameMetadata.Reference] = []
        for _ in 0..<count {
            let value = try reader.readVarint("reference")
            let back = value >> 4
            guard back <= FrameMetadata.Reference.backLimit, value & 15 < FrameMetadata.Reference.layerLimit else {
                throw .unknown(
                    field: "reference", value: "\(back) frames back, \(value & 15 + 1) layers",
                    expected: "at most 2^48 frames back and 15 layers")
            }
            frames.append(FrameMetadata.Reference(back: back, layers: Int(value & 15) + 1))
        }
        self.init(frames: frames, mix: mix, hash: try reader.read("reference hash", as: UInt32.self))
    }
}

extension StreamDeclaration.Grid {
    /// Square pixels, columns to the east, rows to the south.
    public var isNorthUp: Bool { matrix[1] == 0 && matrix[2] == 0 && matrix[0] > 0 && matrix[3] == -matrix[0] }
}

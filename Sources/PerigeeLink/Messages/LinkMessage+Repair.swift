public import PerigeeCore

// What keeps the archive whole beside the stream of packets: numbers that will never come, and numbers asked for again.
extension LinkMessage {
    /// Numbers of this epoch that will never come, and why.
    public struct TombstoneBatch: Equatable, Sendable {
        public var session: UInt32
        public var lowest: UInt64
        /// Ascending and apart, 1 to `LinkLimit.tombstones` of them, none below `lowest`.
        public var items: [Tombstone]

        /// See the properties.
        public init(session: UInt32, lowest: UInt64, items: [Tombstone]) {
            self.session = session
            self.lowest = lowest
            self.items = items
        }
    }

    /// What the gateway asks for besides the stream.
    public struct Want: Equatable, Sendable {
        /// Which packets.
        public enum Subject: Equatable, Sendable {
            /// Packets sent before: ascending and apart, 1 to `LinkLimit.ranges` ranges of together at most
            /// `LinkLimit.wantNumbers` numbers.
            case numbers([Range<UInt64>])
            /// The first `layers` (1 to 255) layers of a frame, by its absolute number in the epoch.
            case frame(number: UInt64, layers: Int)
            /// The first `layers` (1 to `LinkLimit.referenceLayers`) layers of a frame once more: others were predicted from it, and they are
            /// not here. Like a plain frame it may be of an epoch that is over.
            case reference(epoch: Epoch, number: UInt64, layers: Int)
            /// A frame once more without references, as a new frame: what it was predicted from is not the same here.
            case plain(epoch: Epoch, number: UInt64)
        }
        public var session: UInt32
        /// The gateway's name for this request; ANSWER repeats it.
        public var request: UInt32
        /// Class that the packets are sent in, 0 to `LinkLimit.priority`.
        public var priority: UInt8
        public var subject: Subject

        /// See the properties.
        public init(session: UInt32, request: UInt32, priority: UInt8, subject: Subject) {
            self.session = session
            self.request = request
            self.priority = priority
            self.subject = subject
        }
    }

    /// What becomes of a WANT.
    public struct Answer: Equatable, Sendable {
        public var session: UInt32
        public var request: UInt32
        public var outcome: WantOutcome
        /// Packets that will come as DATA; of a plain frame those of the new one, whose metadata says what it replaces.
        public var packets: Int

        /// See the properties.
        public init(session: UInt32, request: UInt32, outcome: WantOutcome, packets: Int) {
            self.session = session
            self.request = request
            self.outcome = outcome
            self.packets = packets
        }
    }
}

/// What a station makes of a WANT.
public enum WantOutcome: UInt8, Sendable, CaseIterable {
    /// The packets come as DATA.
    case accepted = 1
    /// They were here and are not any more.
    case gone
    /// They never were.
    case unknown
    /// Too much is asked for already; ask again later.
    case full
}

extension LinkMessage.TombstoneBatch {
    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.writeVarint(lowest)
        var next = lowest
        for item in items {
            writer.writeVarint(item.numbers.lowerBound - next)
            writer.writeVarint(item.numbers.upperBound - item.numbers.lowerBound)
            writer.write(item.reason.rawValue)
            writer.writeVarint(item.frames)
            writer.writeVarint(item.size)
            writer.writeSignedVarint(item.first.milliseconds)
            writer.writeSignedVarint(item.last.milliseconds)
            next = item.numbers.upperBound
        }
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        lowest = try reader.readNumber("lowest")
        guard lowest > 0 else { throw .unknown(field: "lowest", value: "0", expected: "1 or more") }
        items = []
        var next = lowest
        repeat {
            guard items.count < LinkLimit.tombstones else {
                throw .outOfRange(field: "tombstone count", value: items.count + 1, limit: LinkLimit.tombstones)
            }
            let skip = try reader.readNumber("tombstone skip")
            guard next + skip < LinkLimit.number else {
                throw .outOfRange(
                    field: "tombstone skip", value: Int(clamping: skip), limit: Int(LinkLimit.number - next) - 1)
            }
            let start = next + skip
            let end = try reader.readStep("tombstone length", from: start)
            items.append(
                Tombstone(
                    numbers: start..<end, reason: try reader.readCode("tombstone reason", as: TombstoneReason.self),
                    frames: try reader.readVarint("tombstone frames", limit: Int.max),
                    size: try reader.readVarint("tombstone octets", limit: Int.max),
                    first: try reader.readTime("tombstone first"), last: try reader.readTime("tombstone last")))
            next = end
        } while reader.remaining > 0
    }
}

extension LinkMessage.Want {
    private enum Kind: UInt8 { case numbers = 1, frame, reference, plain }

    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(request)
        writer.write(priority)
        switch subject {
        case .numbers(let ranges):
            writer.write(Kind.numbers.rawValue)
            writer.writeVarint(ranges.count)
            var end: UInt64 = 0
            for range in ranges {
                writer.writeVarint(range.lowerBound - end)
                writer.writeVarint(range.upperBound - range.lowerBound)
                end = range.upperBound
            }
        case .frame(let number, let layers):
            writer.write(Kind.frame.rawValue)
            writer.writeVarint(number)
            writer.write(UInt8(clamping: layers))
        case .reference(let epoch, let number, let layers):
            writer.write(Kind.reference.rawValue)
            writer.write(epoch.bytes)
            writer.writeVarint(number)
            writer.write(UInt8(clamping: layers))
        case .plain(let epoch, let number):
            writer.write(Kind.plain.rawValue)
            writer.write(epoch.bytes)
            writer.writeVarint(number)
        }
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        request = try reader.read("request", as: UInt32.self)
        priority = try reader.read("priority", as: UInt8.self)
        guard priority <= LinkLimit.priority else {
            throw .outOfRange(field: "priority", value: Int(priority), limit: Int(LinkLimit.priority))
        }
        switch try reader.readCode("want kind", as: Kind.self) {
        case .numbers: subject = .numbers(try Self.readRanges(&reader))
        case .frame:
            let (number, layers) = try Self.readLayers(&reader, limit: Int(UInt8.max))
            subject = .frame(number: number, layers: layers)
        case .reference:
            let epoch = try Epoch(bytes: try reader.read("want epoch", count: Epoch.size))
            let (number, layers) = try Self.readLayers(&reader, limit: LinkLimit.referenceLayers)
            subject = .reference(epoch: epoch, number: number, layers: layers)
        case .plain:
            let epoch = try Epoch(bytes: try reader.read("want epoch", count: Epoch.size))
            subject = .plain(epoch: epoch, number: try reader.readNumber("frame number"))
        }
    }

    private static func readLayers(
        _ reader: inout ByteReader, limit: Int
    ) throws(FormatError) -> (number: UInt64, layers: Int) {
        let number = try reader.readNumber("frame number")
        let layers = Int(try reader.read("layers", as: UInt8.self))
        guard (1...limit).contains(layers) else {
            throw .unknown(field: "layers", value: "\(layers)", expected: "1 to \(limit)")
        }
        return (number, layers)
    }

    private static func readRanges(_ reader: inout ByteReader) throws(FormatError) -> [Range<UInt64>] {
        let count = try reader.readVarint("want range count", limit: LinkLimit.ranges)
        guard count > 0 else { throw .unknown(field: "want range count", value: "0", expected: "1 or more") }
        var ranges: [Range<UInt64>] = []
        var end: UInt64 = 0
        var numbers: UInt64 = 0
        for _ in 0..<count {
            let start = try reader.readStep("want skip", from: end)
            end = try reader.readStep("want length", from: start)
            numbers += end - start
            guard numbers <= LinkLimit.wantNumbers else {
                throw .outOfRange(field: "want length", value: Int(clamping: numbers), limit: LinkLimit.wantNumbers)
            }
            ranges.append(start..<end)
        }
        return ranges
    }
}

extension LinkMessage.Answer {
    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(request)
        writer.write(outcome.rawValue)
        writer.writeVarint(packets)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        request = try reader.read("request", as: UInt32.self)
        outcome = try reader.readCode("want outcome", as: WantOutcome.self)
        packets = try reader.readVarint("packet count", limit: LinkLimit.wantNumbers)
    }
}

public import PerigeeCore
internal import PerigeeJSON

/// Something that is wanted of a station besides the stream: packets again, more layers of a frame, or what is missing to decode one. One
/// file each in the archive's folder `wants`, made by an operator, the gateway or the renderer; the gateway takes it from there and writes its outcome there. Source: Docs/gateway.md.
public struct ArchiveWant: Equatable, Sendable {
    /// Which packets.
    public enum Subject: Hashable, Sendable {
        /// Packets by their numbers: ascending and apart, 1 to 32 ranges of together at most 65,536 numbers.
        case numbers([Range<UInt64>])
        /// The first `layers` (1 to 255) layers of a frame, by its number in the epoch.
        case frame(number: UInt64, layers: Int)
        /// The first `layers` (1 to 15) layers of a frame that others were predicted from.
        case reference(number: UInt64, layers: Int)
        /// A frame once more, encoded without references, under a new number.
        case plain(number: UInt64)
    }

    /// Why a frame cannot be decoded, where that is what the want is for.
    public enum Reason: String, Sendable, CaseIterable {
        /// What it was predicted from is not here.
        case waitingForReference = "waiting_for_reference"
        /// What is here makes another reference.
        case referenceDiffers = "reference_differs"
    }

    /// How far it is.
    public enum State: String, Sendable, CaseIterable {
        /// It waits for a session of its station and epoch.
        case open
        /// The station was asked and has not answered.
        case asked
        /// The station said that packets come.
        case accepted
        /// What was wanted is here, or all that the station promised.
        case done
        /// The station has it no more.
        case gone
        /// The station never had it.
        case unknown

        /// Nothing more will become of it.
        public var isFinal: Bool { self == .done || self == .gone || self == .unknown }
    }

    public static let rangeLimit = 32
    public static let numberLimit = 1 << 16
    public static let layerLimit = 255
    public static let referenceLayerLimit = FrameMetadata.Reference.layerLimit
    public static let priorities = 0...3

    /// Its name: eight hexadecimal digits of it are the name of the file.
    public var id: UInt32
    public var station: String
    public var epoch: Epoch
    /// Class that the packets are sent in, 0 to 3.
    public var priority: Int
    public var subject: Subject
    public var state = State.open
    /// When it was made, and when its state last changed.
    public var created: Timestamp
    public var changed: Timestamp
    /// Packets that the station promised, and how many of what is wanted were here when it was asked.
    public var packets = 0
    public var presentBefore = 0
    /// Nil where an operator made it.
    public var reason: Reason?

    /// A new one; see the properties.
    public init(
        id: UInt32, station: String, epoch: Epoch, priority: Int, subject: Subject, created: Timestamp
    ) {
        self.id = id
        self.station = station
        self.epoch = epoch
        self.priority = priority
        self.subject = subject
        self.created = created
        changed = created
    }

    /// The subject in words.
    public var text: String {
        switch subject {
        case .frame(let number, let layers): "frame \(number), \(layers) layers"
        case .numbers(let ranges): "numbers " + Self.text(ranges)
        case .reference(let number, let layers): "reference \(number), \(layers) layers"
        case .plain(let number): "frame \(number), plain"
        }
    }

    /// `3-5,9`.
    static func text(_ ranges: [Range<UInt64>]) -> String {
        ranges.map { range in
            range.upperBound - range.lowerBound == 1
                ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound - 1)"
        }.joined(separator: ",")
    }

    /// Reads `3-5,9`; nil where it is none, not ascending, or too much.
    public static func ranges(parsing text: String) -> [Range<UInt64>]? {
        var ranges: [Range<UInt64>] = []
        var count: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = UInt64(ends[0]), let last = UInt64(ends[ends.count - 1]),
                first > 0, first <= last, last < 1 << 62, last - first < UInt64(numberLimit),
                ranges.last.map({ $0.upperBound < first }) ?? true
            else { return nil }
            ranges.append(first..<last + 1)
            count += last - first + 1
        }
        return ranges.count <= rangeLimit && count <= UInt64(numberLimit) ? ranges : nil
    }
}

extension ArchiveWant {
    /// The octets of its file.
    var packed: [UInt8] {
        var fields: [JSONValue.Member] = [
            .init("station", .string(station)), .init("epoch", .string(epoch.text)),
            .init("priority", .integer(priority)),
        ]
        switch subject {
        case .numbers(let ranges): fields.append(.init("numbers", .string(Self.text(ranges))))
        case .frame(let number, let layers):
            fields.append(.init("frame", .integer(Int(clamping: number))))
            fields.append(.init("layers", .integer(layers)))
        case .reference(let number, let layers):
            fields.append(.init("reference", .integer(Int(clamping: number))))
            fields.append(.init("layers", .integer(layers)))
        case .plain(let number): fields.append(.init("plain", .integer(Int(clamping: number))))
        }
        if let reason { fields.append(.init("reason", .string(reason.rawValue))) }
        fields += [
            .init("state", .string(state.rawValue)), .init("created_ms", .integer(Int(created.milliseconds))),
            .init("changed_ms", .integer(Int(changed.milliseconds))), .init("packets", .integer(packets)),
            .init("present_before", .integer(presentBefore)),
        ]
        return Array((JSONValue.object(fields).indented + "\n").utf8)
    }

    /// Reads a file; throws `FormatError`, which names the field.
    init(parsing octets: [UInt8], id: UInt32) throws(FormatError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: octets[...], depthLimit: 3) } catch {
            throw .unknown(field: "want", value: "no JSON", expected: "an object: \(error)")
        }
        func text(_ name: String) throws(FormatError) -> String {
            guard case .string(let text) = value[name] else {
                throw .unknown(field: name, value: "nothing", expected: "a text")
            }
            return text
        }
        func integer(_ name: String, _ range: ClosedRange<Int>) throws(FormatError) -> Int {
            guard let found = value[name]?.int, range.contains(found) else {
                throw .unknown(
                    field: name, value: value[name].map { "\($0)" } ?? "nothing",
                    expected: "\(range.lowerBound) to \(range.upperBound)")
            }
            return found
        }
        let station = try text("station")
        guard Self.isStation(station) else {
            throw .unknown(field: "station", value: "\"\(station.prefix(40))\"", expected: "1 to 32 of a-z, 0-9 and -")
        }
        guard let epoch = Hex.bytes(try text("epoch")).flatMap({ try? Epoch(bytes: $0) }) else {
            throw .unknown(field: "epoch", value: "no epoch", expected: "32 hexadecimal digits")
        }
        let subject: Subject
        if value["numbers"] != nil {
            guard let ranges = Self.ranges(parsing: try text("numbers")) else {
                throw .unknown(field: "numbers", value: try text("numbers"), expected: "ascending, such as 3-5,9")
            }
            subject = .numbers(ranges)
        } else if value["reference"] != nil {
            subject = .reference(
                number: UInt64(try integer("reference", 0...(1 << 62) - 1)),
                layers: try integer("layers", 1...Self.referenceLayerLimit))
        } else if value["plain"] != nil {
            subject = .plain(number: UInt64(try integer("plain", 0...(1 << 62) - 1)))
        } else {
            subject = .frame(
                number: UInt64(try integer("frame", 0...(1 << 62) - 1)),
                layers: try integer("layers", 1...Self.layerLimit))
        }
        self.init(
            id: id, station: station, epoch: epoch,
            priority: try integer("priority", Self.priorities), subject: subject,
            created: Timestamp(milliseconds: Int64(try integer("created_ms", Int.min...Int.max))))
        guard let state = State(rawValue: try text("state")) else {
            throw .unknown(field: "state", value: try text("state"), expected: "open")
        }
        self.state = state
        changed = Timestamp(milliseconds: Int64(try integer("changed_ms", Int.min...Int.max)))
        packets = try integer("packets", 0...Int.max)
        presentBefore = try integer("present_before", 0...Int.max)
        if value["reason"] != nil {
            guard let reason = Reason(rawValue: try text("reason")) else {
                throw .unknown(field: "reason", value: try text("reason"), expected: Reason.referenceDiffers.rawValue)
            }
            self.reason = reason
        }
    }

    /// Letters of a station's name.
    public static func isStation(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { octet in
            (0x61...0x7A).contains(octet) || (0x30...0x39).contains(octet) || octet == 0x2D
        }
        return isPlain && (1...ArchiveRecord.stationLimit).contains(name.utf8.count)
    }
}

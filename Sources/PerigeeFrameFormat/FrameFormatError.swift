import PerigeeCore

/// Why a message was refused: the labels of the counters. Source: Docs/frame-format.md, section 5.
public enum FrameRejection: String, CaseIterable, Sendable {
    case parts
    case headerSize = "header_size"
    case json
    case version
    case field
    case dtype
    case shape
    case bands
    case frameSize = "frame_size"
    case length
    case encoding
    case crc32c
    case infinite
    case duplicate
    case queueFull = "queue_full"
}

/// Why a message is no frame, with the field and what to do. Texts of the message itself are cut to 64 characters.
public enum FrameFormatError: Error, Equatable, Sendable {
    case parts(found: Int)
    case topicTooLong(size: Int, limit: Int)
    case headerTooLarge(size: Int, limit: Int)
    case notJSON(offset: Int, problem: String)
    case missing(field: String)
    case wrong(field: String, found: String, expected: String)
    case frameTooLarge(size: Int, limit: Int)
    case length(found: Int, expected: Int)
    case compression(problem: String)
    case checksum(found: UInt32, computed: UInt32)
    case infinite(band: String, row: Int, column: Int)

    /// The counter that this adds to.
    public var rejection: FrameRejection {
        switch self {
        case .parts, .topicTooLong: .parts
        case .headerTooLarge: .headerSize
        case .notJSON: .json
        case .frameTooLarge: .frameSize
        case .length: .length
        case .compression: .encoding
        case .checksum: .crc32c
        case .infinite: .infinite
        case .missing(let field), .wrong(let field, _, _):
            switch field {
            case "v": .version
            case "dtype": .dtype
            case "shape": .shape
            case "bands": .bands
            case "encoding": .encoding
            default: .field
            }
        }
    }

    /// The part or key that is at fault.
    public var field: String {
        switch self {
        case .parts: "message"
        case .topicTooLong: "topic"
        case .headerTooLarge, .notJSON: "header"
        case .missing(let field), .wrong(let field, _, _): field
        case .frameTooLarge: "shape"
        case .length, .infinite: "samples"
        case .compression: "encoding"
        case .checksum: "crc32c"
        }
    }
}

extension FrameFormatError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .parts(let found):
            "the message has \(found) parts: send topic, header and samples as the three parts of one message"
        case .topicTooLong(let size, let limit):
            "the topic has \(size) octets: send at most \(limit)"
        case .headerTooLarge(let size, let limit):
            "the header has \(size) octets, the limit is \(limit): shorten it or raise [limits] header_bytes"
        case .notJSON(let offset, let problem):
            "the header is not one JSON object, at octet \(offset): \(problem)"
        case .missing(let field):
            "\(field) is missing: add it to the header (Docs/frame-format.md, section 2)"
        case .wrong(let field, let found, let expected):
            "\(field) is \(found): send \(expected)"
        case .frameTooLarge(let size, let limit):
            "the shape needs \(size) octets, the limit is \(limit): send smaller frames or raise [limits] frame_bytes"
        case .length(let found, let expected):
            "samples have \(found) octets, shape and dtype need \(expected): correct the header or the samples"
        case .compression(let problem):
            "samples cannot be decompressed, \(problem): send one whole zstd frame, or encoding \"none\""
        case .checksum(let found, let computed):
            "crc32c is \(found), the samples part gives \(computed): damaged on the way, or not computed over the part as sent"
        case .infinite(let band, let row, let column):
            "samples are infinite in band \(band) at row \(row), column \(column): send NaN where a sample is missing"
        }
    }
}

/// Limits of a message, checked before anything is allocated for it.
public struct FrameLimits: Equatable, Sendable {
    /// Octets of the header.
    public var headerSize = 64 << 10
    /// Octets of the samples of a frame, decompressed.
    public var frameSize = Samples.defaultSizeLimit
    /// Octets of the topic.
    public static let topicSize = 255
    /// Levels of JSON.
    public static let depth = 8

    /// The limits that the shipped configuration names.
    public init() {}

    /// Limits of header and samples, in octets.
    public init(headerSize: Int, frameSize: Int) {
        self.headerSize = headerSize
        self.frameSize = frameSize
    }

    /// Octets of the largest part that can be accepted: what a socket should let through (`ZMQ_MAXMSGSIZE`).
    public var partSize: Int { max(headerSize, frameSize + frameSize / 128 + 1_024) }
}

internal import PerigeeCore

// How new firmware comes over the link: the gateway offers, the station fetches piece by piece and says how it went.
extension LinkMessage {
    /// A bundle that the gateway has for this station.
    public struct Offer: Equatable, Sendable {
        public var session: UInt32
        /// The gateway's name for it; the same octets keep it.
        public var bundle: UInt32
        /// The version counter of its manifest.
        public var version: UInt64
        /// Octets, 1 to `LinkLimit.bundle`.
        public var size: Int
        /// SHA-256 of the packed bundle, `LinkLimit.digest` octets.
        public var digest: [UInt8]

        /// See the properties.
        public init(session: UInt32, bundle: UInt32, version: UInt64, size: Int, digest: [UInt8]) {
            self.session = session
            self.bundle = bundle
            self.version = version
            self.size = size
            self.digest = digest
        }
    }

    /// Asks for octets of a bundle.
    public struct Fetch: Equatable, Sendable {
        public var session: UInt32
        public var bundle: UInt32
        public var offset: Int
        /// Octets, 1 to `LinkLimit.piece`.
        public var size: Int

        /// See the properties.
        public init(session: UInt32, bundle: UInt32, offset: Int, size: Int) {
            self.session = session
            self.bundle = bundle
            self.offset = offset
            self.size = size
        }
    }

    /// Octets of a bundle.
    public struct Piece: Equatable, Sendable {
        public var session: UInt32
        public var bundle: UInt32
        public var offset: Int
        /// 1 to `LinkLimit.piece` of them.
        public var octets: ArraySlice<UInt8>

        /// See the properties.
        public init(session: UInt32, bundle: UInt32, offset: Int, octets: ArraySlice<UInt8>) {
            self.session = session
            self.bundle = bundle
            self.offset = offset
            self.octets = octets
        }
    }

    /// How far a station is with a bundle.
    public struct BundleReport: Equatable, Sendable {
        public var session: UInt32
        public var bundle: UInt32
        public var stage: BundleStage
        /// Why, where it was refused or went back; for the operator, at most `LinkLimit.text` octets.
        public var reason: String

        /// See the properties.
        public init(session: UInt32, bundle: UInt32, stage: BundleStage, reason: String = "") {
            self.session = session
            self.bundle = bundle
            self.stage = stage
            self.reason = reason
        }
    }
}

/// Stages of a bundle at a station.
public enum BundleStage: UInt8, Sendable, CaseIterable {
    case fetching = 1
    /// Its signature, version or content was not taken.
    case refused
    /// Written, read back and verified; not yet in use.
    case staged
    /// In use, not yet kept.
    case trial
    /// In use for good.
    case committed
    /// The trial failed; the firmware before it is in use.
    case returned
}

extension ByteReader {
    /// The name of a bundle and an offset in it.
    fileprivate mutating func readPlace() throws(FormatError) -> (bundle: UInt32, offset: Int) {
        let bundle = try read("bundle", as: UInt32.self)
        return (bundle, try readVarint("bundle offset", limit: LinkLimit.bundle - 1))
    }
}

/// Refuses octets that no bundle has room for.
private func checkEnd(_ field: String, _ offset: Int, _ size: Int) throws(FormatError) {
    guard (1...LinkLimit.piece).contains(size) else {
        throw .mismatch(field: field, found: "\(size)", expected: "1 to \(LinkLimit.piece)")
    }
    guard offset + size <= LinkLimit.bundle else {
        throw .outOfRange(field: field, value: offset + size, limit: LinkLimit.bundle)
    }
}

extension LinkMessage.Offer {
    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(bundle)
        writer.writeVarint(version)
        writer.writeVarint(size)
        writer.write(digest)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        bundle = try reader.read("bundle", as: UInt32.self)
        version = try reader.readVarint("bundle version")
        size = try reader.readVarint("bundle size", limit: LinkLimit.bundle)
        guard size > 0 else { throw .unknown(field: "bundle size", value: "0", expected: "1 or more") }
        digest = Array(try reader.read("bundle digest", count: LinkLimit.digest))
    }
}

extension LinkMessage.Fetch {
    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(bundle)
        writer.writeVarint(offset)
        writer.writeVarint(size)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        (bundle, offset) = try reader.readPlace()
        size = try reader.readVarint("fetch size", limit: LinkLimit.piece)
        try checkEnd("fetch size", offset, size)
    }
}

extension LinkMessage.Piece {
    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(bundle)
        writer.writeVarint(offset)
        writer.write(octets)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        (bundle, offset) = try reader.readPlace()
        try checkEnd("piece size", offset, reader.remaining)
        octets = reader.readRest()
    }
}

extension LinkMessage.BundleReport {
    func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(bundle)
        writer.write(stage.rawValue)
        writer.writeText(reason)
    }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        bundle = try reader.read("bundle", as: UInt32.self)
        stage = try reader.readCode("bundle stage", as: BundleStage.self)
        reason = try reader.readText("bundle reason", limit: LinkLimit.text)
    }
}

package import PerigeeCore

/// Gives frames their numbers and streams their declarations. A pure value.
///
/// Frames that share everything but time and origin share a declaration. A stream is declared anew, with nearer bases, when
/// its numbers have grown long: a declaration costs some 50 octets, a longer number one or two in every frame.
package struct StreamTable: Sendable {
    /// What a frame is sent under.
    package struct Assignment: Sendable {
        /// Number of the declaration.
        package var number: Int
        /// With its bases.
        package var stream: StreamDeclaration
        /// Number of the frame in its epoch.
        package var frame: UInt64
        /// The packet that must come before all others of this declaration.
        package var declarationPacket: [UInt8]
        /// Octets of the declaration that this frame's budget pays for.
        package var charge: Int
    }

    private struct Entry: Sendable {
        var number: Int
        var stream: StreamDeclaration
        var packet: [UInt8]
        /// Octets of the declaration that no budget has paid for yet.
        var debt: Int
        var frames = 0
        var age: UInt64 = 0
    }

    /// Declarations after which an epoch is renewed at the next start: far below what numbers allow, since a start reads them all.
    package static let renewalCount = 8_192
    /// Streams that are remembered; one beyond it is declared again when it comes back.
    package static let streamLimit = 1_024
    /// Frames that a declaration serves at least, however long their numbers are.
    package static let patience = 64
    /// A frame pays at most this share of its budget for its declaration.
    private static let share = 4

    private var entries: [[UInt8]: Entry] = [:]
    private var nextNumber = 0
    private var nextFrame: UInt64 = 0
    private var clock: UInt64 = 0

    /// No streams yet.
    package init() {}

    /// Goes on with an epoch: `declarations` are its declaration packets by number, paid for, `nextFrame` its next frame. Packets
    /// that are none leave their number unused.
    package init(restoring declarations: [(number: Int, packet: [UInt8])], nextFrame: UInt64) {
        self.nextFrame = nextFrame
        for (number, octets) in declarations.sorted(by: { $0.number < $1.number }) {
            nextNumber = max(nextNumber, number + 1)
            guard let packet = try? Packet(parsing: octets[...]), case .declaration(let stream) = packet.body else {
                continue
            }
            clock += 1
            let key = Self.key(stream.withoutBases)
            if entries[key] == nil { makeRoom() }
            entries[key] = Entry(number: number, stream: stream, packet: octets, debt: 0, age: clock)
        }
    }

    /// The number of the next frame.
    var frameCount: UInt64 { nextFrame }

    /// Declarations made.
    package var declarationCount: Int { nextNumber }

    /// What all frames of a stream have in common: the octets of its declaration without bases.
    package static func key(_ declaration: StreamDeclaration) -> [UInt8] {
        var writer = ByteWriter()
        declaration.pack(into: &writer)
        return writer.bytes
    }

    /// A number for a frame of budget `budget`, and its declaration; nil when an epoch has no declaration number left.
    package mutating func assign(
        _ declaration: StreamDeclaration, key: [UInt8], metadata: FrameMetadata, budget: Int
    ) -> Assignment? {
        clock += 1
        let frame = nextFrame
        var entry: Entry
        if let known = entries[key], !isWorn(known, frame: frame, metadata: metadata) {
            entry = known
        } else {
            guard nextNumber <= Packet.declarationLimit else { return nil }
            entry = open(declaration, frame: frame, metadata: metadata)
            if entries[key] == nil { makeRoom() }
        }
        let charge = min(entry.debt, max(budget, 0) / Self.share)
        entry.debt -= charge
        entry.frames += 1
        entry.age = clock
        entries[key] = entry
        nextFrame += 1
        return Assignment(
            number: entry.number, stream: entry.stream, frame: frame, declarationPacket: entry.packet, charge: charge)
    }

    private mutating func open(_ declaration: StreamDeclaration, frame: UInt64, metadata: FrameMetadata) -> Entry {
        var stream = declaration
        stream.baseFrame = frame
        if let time = Self.milliseconds(metadata) {
            // a whole second, so that acquisition times of whole seconds differ by whole seconds
            let rest = ((time % 1_000) + 1_000) % 1_000
            stream.baseTime = Timestamp(milliseconds: time - rest)
        }
        let packet = Packet(declaration: nextNumber, body: .declaration(stream)).packed()
        defer { nextNumber += 1 }
        return Entry(number: nextNumber, stream: stream, packet: packet, debt: packet.count)
    }

    private func isWorn(_ entry: Entry, frame: UInt64, metadata: FrameMetadata) -> Bool {
        guard entry.frames >= Self.patience else { return false }
        if frame - entry.stream.baseFrame >= 1 << 14 { return true }
        guard let time = Self.milliseconds(metadata) else { return false }
        let difference = time - entry.stream.baseTime.milliseconds
        let steps = difference.isMultiple(of: 1_000) ? difference / 1_000 : difference
        return abs(steps) >= 1 << 27
    }

    private mutating func makeRoom() {
        guard entries.count >= Self.streamLimit, let oldest = entries.min(by: { $0.value.age < $1.value.age }) else {
            return
        }
        entries[oldest.key] = nil
    }

    private static func milliseconds(_ metadata: FrameMetadata) -> Int64? {
        switch metadata.time {
        case .unknown: nil
        case .acquired(let time), .received(let time): time.milliseconds
        }
    }
}

extension StreamDeclaration {
    /// As frames of one stream have it in common.
    var withoutBases: StreamDeclaration {
        var stream = self
        stream.baseFrame = 0
        stream.baseTime = Timestamp(milliseconds: 0)
        return stream
    }
}

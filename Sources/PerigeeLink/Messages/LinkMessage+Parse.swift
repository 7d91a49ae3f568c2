public import PerigeeCore

extension LinkMessage {
    /// Reads one whole message. Throws `FormatError`, which names the field; allocates nothing beyond the message's own size.
    public init(parsing bytes: ArraySlice<UInt8>) throws(FormatError) {
        guard bytes.count <= LinkLimit.message else {
            throw .outOfRange(field: "message size", value: bytes.count, limit: LinkLimit.message)
        }
        var reader = ByteReader(bytes)
        let code = try reader.read("message type", as: UInt8.self)
        guard let type = LinkMessageType(rawValue: code) else {
            throw .unknown(field: "message type", value: "\(code)", expected: "1 to 15")
        }
        try reader.readVersion("message version")
        switch type {
        case .hello: self = .hello(try Hello(parsing: &reader))
        case .welcome: self = .welcome(try Welcome(parsing: &reader))
        case .data: self = .data(try DataBatch(parsing: &reader))
        case .ack:
            let session = try reader.read("session", as: UInt32.self)
            let cumulative = try reader.readNumber("cumulative")
            let credit = try Credit(parsing: &reader)
            let acknowledgement = try Acknowledgement(cumulative: cumulative, parsing: &reader)
            self = .ack(Ack(session: session, acknowledgement: acknowledgement, credit: credit))
        case .reject:
            let session = try reader.read("session", as: UInt32.self)
            let number = try reader.readNumber("number")
            let code = try reader.readCode("reject code", as: RejectCode.self)
            let field = try reader.readText("reject field", limit: LinkLimit.text)
            self = .reject(Reject(session: session, number: number, code: code, field: field))
        case .ping: self = .ping(try Ping(parsing: &reader))
        case .pong:
            let session = try reader.read("session", as: UInt32.self)
            let nonce = try reader.read("nonce", as: UInt32.self)
            self = .pong(Pong(session: session, nonce: nonce, time: try reader.readTime("time")))
        case .bye:
            let session = try reader.read("session", as: UInt32.self)
            self = .bye(Bye(session: session, reason: try reader.readCode("bye reason", as: ByeReason.self)))
        case .tombstone: self = .tombstone(try TombstoneBatch(parsing: &reader))
        case .want: self = .want(try Want(parsing: &reader))
        case .answer: self = .answer(try Answer(parsing: &reader))
        case .offer: self = .offer(try Offer(parsing: &reader))
        case .fetch: self = .fetch(try Fetch(parsing: &reader))
        case .piece: self = .piece(try Piece(parsing: &reader))
        case .bundle: self = .bundle(try BundleReport(parsing: &reader))
        }
        try reader.finish("message")
    }
}

extension ByteReader {
    fileprivate mutating func readVersion(_ field: String) throws(FormatError) {
        let version = try read(field, as: UInt8.self)
        guard version == LinkLimit.version else {
            throw .unknown(field: field, value: "\(version)", expected: "\(LinkLimit.version)")
        }
    }

    mutating func readCode<Code: RawRepresentable<UInt8>>(
        _ field: String, as type: Code.Type
    ) throws(FormatError) -> Code {
        let value = try read(field, as: UInt8.self)
        guard let code = Code(rawValue: value) else {
            throw .unknown(field: field, value: "\(value)", expected: "a code of Docs/link-protocol.md")
        }
        return code
    }

    mutating func readTime(_ field: String) throws(FormatError) -> Timestamp {
        Timestamp(milliseconds: try readSignedVarint(field))
    }

    /// `lowest` is 1 or more and at most one above `highest`.
    fileprivate mutating func readHeld() throws(FormatError) -> (lowest: UInt64, highest: UInt64) {
        let lowest = try readNumber("lowest")
        let highest = try readNumber("highest")
        guard lowest > 0, lowest <= highest + 1 else {
            throw .mismatch(field: "lowest", found: "\(lowest)", expected: "1 to highest + 1 = \(highest + 1)")
        }
        return (lowest, highest)
    }
}

extension Credit {
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        packets = try reader.readVarint("credit packets", limit: LinkLimit.creditPackets)
        size = try reader.readVarint("credit octets", limit: LinkLimit.creditSize)
        guard packets > 0, size >= LinkLimit.packet else {
            throw .unknown(
                field: "credit", value: "\(packets) packets, \(size) octets",
                expected: "room for one packet of \(LinkLimit.packet) octets")
        }
    }
}

extension LinkMessage.Hello {
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        let first = try reader.read("first version", as: UInt8.self)
        let last = try reader.read("last version", as: UInt8.self)
        guard first > 0, first <= last else {
            throw .mismatch(field: "first version", found: "\(first)", expected: "1 to the last, \(last)")
        }
        let station = try StationName(try reader.readText("station", limit: 32))
        let epoch = try Epoch(bytes: try reader.read("epoch", count: Epoch.size))
        let boot = try reader.read("boot", as: UInt64.self)
        let greeting = try reader.read("greeting", as: UInt32.self)
        let held = try reader.readHeld()
        self.init(
            station: station, epoch: epoch, boot: boot, greeting: greeting, lowest: held.lowest, highest: held.highest)
        firstVersion = first
        lastVersion = last
        clockQuality = try reader.readCode("clock quality", as: ClockQuality.self)
        time = try reader.readTime("time")
        let count = try reader.readVarint("firmware count", limit: LinkLimit.firmware)
        for _ in 0..<count { firmware.append(try reader.read("firmware", as: UInt32.self)) }
        _ = try reader.readVarint("features", limit: 0)
    }
}

extension LinkMessage.Welcome {
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        try reader.readVersion("chosen version")
        let greeting = try reader.read("greeting", as: UInt32.self)
        let session = try reader.read("session", as: UInt32.self)
        let cumulative = try reader.readNumber("cumulative")
        let credit = try Credit(parsing: &reader)
        let batchSize = try reader.readVarint("batch octets", limit: LinkLimit.batch)
        guard batchSize >= LinkLimit.packet else {
            throw .unknown(field: "batch octets", value: "\(batchSize)", expected: "\(LinkLimit.packet) or more")
        }
        let time = try reader.readTime("time")
        let acknowledgement = try Acknowledgement(cumulative: cumulative, parsing: &reader)
        self.init(
            greeting: greeting, session: session, acknowledgement: acknowledgement, credit: credit,
            batchSize: batchSize, time: time)
        let number = try reader.readNumber("check number")
        if number > 0 {
            check = PacketDigest(number: number, checksum: try reader.read("check checksum", as: UInt32.self))
        }
    }
}

extension LinkMessage.DataBatch {
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        lowest = try reader.readNumber("lowest")
        guard lowest > 0 else { throw .unknown(field: "lowest", value: "0", expected: "1 or more") }
        items = []
        var next = lowest
        repeat {
            guard items.count < LinkLimit.batchPackets else {
                throw .outOfRange(field: "packet count", value: items.count + 1, limit: LinkLimit.batchPackets)
            }
            let skip = try reader.readNumber("packet skip")
            guard next + skip < LinkLimit.number else {
                throw .outOfRange(
                    field: "packet skip", value: Int(clamping: skip), limit: Int(LinkLimit.number - next) - 1)
            }
            let flags = try reader.read("packet flags", as: UInt8.self)
            guard flags < 2 else { throw .outOfRange(field: "packet flags", value: Int(flags), limit: 1) }
            let size = try reader.readVarint("packet size", limit: LinkLimit.packet)
            guard size > 0 else { throw .unknown(field: "packet size", value: "0", expected: "1 or more") }
            let packet = try reader.read("packet", count: size)
            items.append(Item(number: next + skip, isResent: flags == 1, packet: packet))
            next += skip + 1
        } while reader.remaining > 0
    }
}

extension LinkMessage.Ping {
    /// Sums of an account stay below it, so that those of many stations add up.
    private static let limit = 1 << 53

    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        session = try reader.read("session", as: UInt32.self)
        nonce = try reader.read("nonce", as: UInt32.self)
        time = try reader.readTime("time")
        queuedPackets = try reader.readVarint("queued packets", limit: Int.max)
        queuedSize = try reader.readVarint("queued octets", limit: Int.max)
        oldestAgeMilliseconds = try reader.readVarint("oldest age", limit: Int.max)
        (lowest, highest) = try reader.readHeld()
        account.frames = try reader.readVarint("delivered frames", limit: Self.limit)
        account.rawSize = try reader.readVarint("raw octets", limit: Self.limit)
        account.packetSize = try reader.readVarint("packet octets", limit: Self.limit)
        account.linkSize = try reader.readVarint("link octets", limit: Self.limit)
        account.medianMilliseconds = try reader.readVarint("median delay", limit: Self.limit)
        account.slowMilliseconds = try reader.readVarint("slow delay", limit: Self.limit)
    }
}

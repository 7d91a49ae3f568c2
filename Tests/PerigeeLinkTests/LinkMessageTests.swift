import PerigeeCore
import PerigeeLink
import PerigeeTestSupport
import Testing

/// One message and its octets; those of Docs/link-protocol.md section 7, and one of each other type.
struct Vector: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let message: LinkMessage
    let hex: String
}

private func hello() throws -> LinkMessage {
    var hello = LinkMessage.Hello(
        station: try StationName("lab-1"), epoch: try Epoch(bytes: 0..<16), boot: 42, greeting: 7, lowest: 1, highest: 3
    )
    hello.firmware = [0xA1B2_C3D4]
    return .hello(hello)
}

private let session: UInt32 = 0x1122_3344

private func vectors() throws -> [Vector] {
    [
        Vector(
            testDescription: "HELLO", message: try hello(),
            hex: "0101 0101 05 6c61622d31 000102030405060708090a0b0c0d0e0f 2a00000000000000 07000000 01 03 00 00 01"
                + " d4c3b2a1 00"),
        Vector(
            testDescription: "WELCOME",
            message: .welcome(
                .init(
                    greeting: 7, session: session, acknowledgement: .init(cumulative: 1, ranges: [3..<4]),
                    credit: .init(packets: 256, size: 262_144), batchSize: 16_384,
                    time: Timestamp(milliseconds: 1_000), check: .init(number: 3, checksum: 0xDEAD_BEEF))),
            hex: "0201 01 07000000 44332211 01 8002 808010 808001 d00f 010101 03 efbeadde"),
        Vector(
            testDescription: "WELCOME of a gateway that has nothing",
            message: .welcome(
                .init(
                    greeting: 7, session: session, acknowledgement: .init(),
                    credit: .init(packets: 256, size: 262_144), batchSize: 16_384,
                    time: Timestamp(milliseconds: 1_000))),
            hex: "0201 01 07000000 44332211 00 8002 808010 808001 d00f 00 00"),
        Vector(
            testDescription: "DATA",
            message: .data(
                .init(
                    session: session, lowest: 2,
                    items: [
                        .init(number: 2, isResent: true, packet: [0xAA, 0xBB, 0xCC]),
                        .init(number: 4, isResent: false, packet: [0xDD, 0xEE]),
                    ])), hex: "0301 44332211 02 000103aabbcc 010002ddee"),
        Vector(
            testDescription: "ACK",
            message: .ack(
                .init(
                    session: session, acknowledgement: .init(cumulative: 4), credit: .init(packets: 256, size: 262_144))
            ), hex: "0401 44332211 04 8002 808010 00"),
        Vector(
            testDescription: "REJECT",
            message: .reject(.init(session: session, number: 300, code: .malformed, field: "crs")),
            hex: "0501 44332211 ac02 04 03637273"),
        Vector(
            testDescription: "PING",
            message: .ping(
                .init(
                    session: session, nonce: 1, time: Timestamp(milliseconds: -1), queuedPackets: 2, queuedSize: 130,
                    oldestAgeMilliseconds: 5, lowest: 4, highest: 5)),
            hex: "0601 44332211 01000000 01 02 8201 05 04 05 00 00 00 00 00 00"),
        Vector(
            testDescription: "PONG",
            message: .pong(.init(session: session, nonce: 1, time: Timestamp(milliseconds: 0))),
            hex: "0701 44332211 01000000 00"),
        Vector(
            testDescription: "BYE", message: .bye(.init(session: session, reason: .draining)), hex: "0801 44332211 02"),
    ] + (try repairVectors()) + bundleVectors()
}

private func repairVectors() throws -> [Vector] {
    let epoch = try Epoch(bytes: 0..<16)
    return [
        Vector(
            testDescription: "TOMBSTONE",
            message: .tombstone(
                .init(
                    session: session, lowest: 5,
                    items: [
                        Tombstone(
                            numbers: 5..<8, reason: .quota, frames: 1, size: 200, first: Timestamp(milliseconds: 500),
                            last: Timestamp(milliseconds: 499)),
                        Tombstone(
                            numbers: 10..<11, reason: .lost, frames: 0, size: 0, first: Timestamp(milliseconds: 0),
                            last: Timestamp(milliseconds: 0)),
                    ])), hex: "0901 44332211 05 00 03 01 01 c801 e807 e607 02 01 06 00 00 00 00"),
        Vector(
            testDescription: "WANT of numbers",
            message: .want(.init(session: session, request: 3, priority: 1, subject: .numbers([1..<3, 300..<301]))),
            hex: "0a01 44332211 03000000 01 01 02 01 02 a902 01"),
        Vector(
            testDescription: "WANT of layers",
            message: .want(.init(session: session, request: 4, priority: 0, subject: .frame(number: 300, layers: 255))),
            hex: "0a01 44332211 04000000 00 02 ac02 ff"),
        Vector(
            testDescription: "WANT of a reference",
            message: .want(
                .init(
                    session: session, request: 5, priority: 2,
                    subject: .reference(epoch: epoch, number: 300, layers: 15))),
            hex: "0a01 44332211 05000000 02 03 000102030405060708090a0b0c0d0e0f ac02 0f"),
        Vector(
            testDescription: "WANT of a plain frame",
            message: .want(
                .init(session: session, request: 6, priority: 2, subject: .plain(epoch: epoch, number: 300))),
            hex: "0a01 44332211 06000000 02 04 000102030405060708090a0b0c0d0e0f ac02"),
        Vector(
            testDescription: "ANSWER",
            message: .answer(.init(session: session, request: 3, outcome: .accepted, packets: 3)),
            hex: "0b01 44332211 03000000 01 03"),
    ]
}

private func bundleVectors() -> [Vector] {
    let digest = (0..<32).map { UInt8($0) }
    return [
        Vector(
            testDescription: "OFFER",
            message: .offer(.init(session: session, bundle: 2, version: 7, size: 300, digest: digest)),
            hex: "0c01 44332211 02000000 07 ac02 " + Hex.text(digest)),
        Vector(
            testDescription: "FETCH",
            message: .fetch(.init(session: session, bundle: 2, offset: 256, size: 44)),
            hex: "0d01 44332211 02000000 8002 2c"),
        Vector(
            testDescription: "PIECE",
            message: .piece(.init(session: session, bundle: 2, offset: 256, octets: [0xAA, 0xBB])),
            hex: "0e01 44332211 02000000 8002 aabb"),
        Vector(
            testDescription: "BUNDLE",
            message: .bundle(.init(session: session, bundle: 2, stage: .refused, reason: "key")),
            hex: "0f01 44332211 02000000 02 036b6579"),
    ]
}

private func octets(_ hex: String) throws -> [UInt8] {
    try #require(Hex.bytes(hex.split(separator: " ").joined()))
}

@Suite("Link messages")
struct LinkMessageTests {
    @Test("each message is written and read as the document spells it")
    func documented() throws {
        for vector in try vectors() {
            #expect(Hex.text(vector.message.packed()) == Hex.text(try octets(vector.hex)), "\(vector.testDescription)")
            #expect(try LinkMessage(parsing: try octets(vector.hex)[...]) == vector.message)
        }
    }

    @Test("each prefix of each message is refused, and so is an octet more")
    func prefixes() throws {
        for vector in try vectors() {
            let whole = vector.message.packed()
            for count in 0..<whole.count {
                // these may end behind any of their items
                if case .data = vector.message, count == 13 { continue }
                if case .tombstone = vector.message, count == 17 { continue }
                if case .piece = vector.message, count == 13 { continue }
                #expect(throws: FormatError.self, "\(vector.testDescription) cut to \(count)") {
                    try LinkMessage(parsing: whole[..<count])
                }
            }
            if case .piece = vector.message { continue }  // one octet more of the bundle
            #expect(throws: FormatError.self) { try LinkMessage(parsing: (whole + [0])[...]) }
        }
    }

    @Test(
        "what the document does not name is refused, with the field",
        arguments: [
            ("0001", "message type"),
            ("1001", "message type"),
            ("0101 0101 05 4c61622d31 000102030405060708090a0b0c0d0e0f", "station"),
            ("0101 0101 00", "station"),
            ("0102", "message version"),
            ("0401 44332211 04 00 808010 00", "credit"),
            ("0401 44332211 04 8002 808010 21", "range count"),
            ("0401 44332211 04 8002 808010 01 00 01", "range skip"),
            ("0401 44332211 04 8002 808010 01 01 00", "range length"),
            ("0401 44332211 04 8002 808010 01 01 ffffffffffffffff3f", "range length"),
            ("0401 44332211 ffffffffffffffffff01", "cumulative"),
            ("0301 44332211 00", "lowest"),
            ("0301 44332211 01 00 02 01 ff", "packet flags"),
            ("0301 44332211 01 00 00 00", "packet size"),
            ("0301 44332211 01 00 00 8140", "packet size"),
            ("0501 44332211 01 05 00", "reject code"),
            ("0801 44332211 08", "bye reason"),
            ("0201 01 07000000 44332211 00 8002 808010 808001 d00f 00 01 0000", "check checksum"),
            ("0201 01 07000000 44332211 00 8002 808010 808001 d00f 00 ffffffffffffffff7f", "check number"),
            ("0901 44332211 00", "lowest"),
            ("0901 44332211 05 ffffffffffffffff3f", "tombstone skip"),
            ("0901 44332211 05 00 00", "tombstone length"),
            ("0901 44332211 05 00 ffffffffffffffff3f", "tombstone length"),
            ("0901 44332211 05 00 01 00", "tombstone reason"),
            ("0901 44332211 05 00 01 08", "tombstone reason"),
            ("0901 44332211 05 00 01 01 ffffffffffffffffff01", "tombstone frames"),
            ("0a01 44332211 03000000 04", "priority"),
            ("0a01 44332211 03000000 01 05", "want kind"),
            ("0a01 44332211 03000000 01 01 00", "want range count"),
            ("0a01 44332211 03000000 01 01 21", "want range count"),
            ("0a01 44332211 03000000 01 01 01 00 01", "want skip"),
            ("0a01 44332211 03000000 01 01 01 01 00", "want length"),
            ("0a01 44332211 03000000 01 01 02 01 808004 01 01", "want length"),
            ("0a01 44332211 03000000 01 02 01 00", "layers"),
            ("0a01 44332211 03000000 01 03 000102030405060708090a0b0c0d0e", "want epoch"),
            ("0a01 44332211 03000000 01 03 000102030405060708090a0b0c0d0e0f 01 00", "layers"),
            ("0a01 44332211 03000000 01 03 000102030405060708090a0b0c0d0e0f 01 10", "layers"),
            ("0a01 44332211 03000000 01 04 000102030405060708090a0b0c0d0e", "want epoch"),
            ("0a01 44332211 03000000 01 04 000102030405060708090a0b0c0d0e0f ffffffffffffffffff01", "frame number"),
            ("0b01 44332211 03000000 00 00", "want outcome"),
            ("0b01 44332211 03000000 05 00", "want outcome"),
            ("0b01 44332211 03000000 01 818004", "packet count"),
            ("0c01 44332211 02000000 07 00", "bundle size"),
            ("0c01 44332211 02000000 07 8180808004", "bundle size"),
            ("0d01 44332211 02000000 8080808004", "bundle offset"),
            ("0d01 44332211 02000000 00 00", "fetch size"),
            ("0d01 44332211 02000000 00 818001", "fetch size"),
            ("0d01 44332211 02000000 ffffffff03 02", "fetch size"),
            ("0e01 44332211 02000000 00", "piece size"),
            ("0e01 44332211 02000000 ffffffff03 aabb", "piece size"),
            ("0f01 44332211 02000000 07 00", "bundle stage"),
            ("0f01 44332211 02000000 01 41", "bundle reason"),
        ])
    func refused(_ hex: String, field: String) throws {
        let bytes = try octets(hex)
        let error = #expect(throws: FormatError.self) { try LinkMessage(parsing: bytes[...]) }
        #expect(error.map { "\($0)".hasPrefix(field) } == true, "\(String(describing: error))")
    }

    @Test("more than 64 tombstones, and more than 16,384 octets of a bundle, are refused")
    func tooMany() throws {
        let stones = (0..<65).map { index in
            Tombstone(
                numbers: UInt64(index + 1)..<UInt64(index + 2), reason: .quota, frames: 0, size: 0,
                first: Timestamp(milliseconds: 0), last: Timestamp(milliseconds: 0))
        }
        for (message, field) in [
            (LinkMessage.tombstone(.init(session: 1, lowest: 1, items: stones)), "tombstone count"),
            (
                .piece(.init(session: 1, bundle: 1, offset: 0, octets: [UInt8](repeating: 0, count: 16_385)[...])),
                "piece"
            ),
        ] {
            let error = #expect(throws: FormatError.self) { try LinkMessage(parsing: message.packed()[...]) }
            #expect(error.map { "\($0)".hasPrefix(field) } == true, "\(String(describing: error))")
        }
        let most = LinkMessage.tombstone(.init(session: 1, lowest: 1, items: Array(stones.dropLast())))
        #expect(try LinkMessage(parsing: most.packed()[...]) == most)
    }

    @Test("random octets and flipped bits never trap", arguments: 0..<20)
    func noise(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for vector in try vectors() {
            var bytes = vector.message.packed()
            for _ in 0..<200 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
                if let message = try? LinkMessage(parsing: bytes[...]) {
                    #expect(message.packed().count <= bytes.count)
                }
            }
        }
    }
}

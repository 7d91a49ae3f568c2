import Foundation
import PerigeeCore
import PerigeeFirmware
import PerigeeGateway
import PerigeeJSON
import PerigeeLink
import PerigeeTestSupport
import Testing

@Suite("firmware that a gateway offers")
struct FirmwareOffersTests {
    private let folder: TemporaryFolder
    private let key = SigningSecretKey()

    init() throws { folder = try TemporaryFolder() }

    @discardableResult
    private func put(_ version: String, _ name: String, size: Int = 20_000) throws -> PackedBundle {
        let octets = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let manifest =
            "{\"format\": 1, \"name\": \"small\", \"version\": \"\(version)\", \"profiles\": [], \"files\": "
            + "{\"a.bin\": {\"size\": \(size), \"sha256\": \"\(Hex.text(SHA256.digest(octets)))\"}}}"
        let packed = try PackedBundle(
            manifest: Array(manifest.utf8), signature: nil, files: [(name: "a.bin", octets: octets)]
        ).signed(by: key, comment: "")
        try Data(packed.octets).write(to: URL(filePath: folder.file(name)))
        return packed
    }

    private func list(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: folder.file(name)))
    }

    /// Offers by reference: the macros of tests call nothing that changes a value.
    private final class Desk {
        private var offers: FirmwareOffers
        init(_ folder: String) { offers = FirmwareOffers(folder: folder) }
        var bundles: [FirmwareOffers.Bundle] { offers.bundles }
        var refusals: [FirmwareOffers.Refusal] { offers.refusals }
        var json: JSONValue { offers.json }
        func isLookDue(now: Int64) -> Bool { offers.isLookDue(now: now) }
        func refresh(now: Int64) -> Bool { offers.refresh(now: now) }
        func offer(to station: String, session: UInt32, isNewSession: Bool, now: Int64) -> LinkMessage.Offer? {
            offers.offer(to: station, session: session, isNewSession: isNewSession, now: now)
        }
        func piece(_ fetch: LinkMessage.Fetch, for station: String, now: Int64) -> LinkMessage.Piece? {
            offers.piece(fetch, for: station, now: now)
        }
        func note(_ report: LinkMessage.BundleReport, from station: String) -> Bool {
            offers.note(report, from: station)
        }
    }

    private func offers() -> Desk {
        let offers = Desk(folder.path)
        #expect(offers.refresh(now: 0))
        return offers
    }

    @Test("a station is offered the highest version that is meant for it")
    func highest() throws {
        try put("2", "two.tar")
        let nine = try put("9", "nine.tar")
        try list("alpha # the first\n\n  beta\r\n", "nine.stations")
        let offers = offers()
        let offer = try #require(offers.offer(to: "alpha", session: 7, isNewSession: true, now: 0))
        #expect(offer.session == 7 && offer.version == 9)
        #expect(offer.size == nine.octets.count && offer.digest == nine.digest)
        #expect(offers.offer(to: "beta", session: 8, isNewSession: true, now: 0)?.version == 9)
        #expect(offers.offer(to: "gamma", session: 9, isNewSession: true, now: 0)?.version == 2)
    }

    @Test("an empty list means no station")
    func nobody() throws {
        try put("2", "two.tar")
        try list("", "two.stations")
        let offers = offers()
        #expect(offers.offer(to: "alpha", session: 7, isNewSession: true, now: 0) == nil)
    }

    @Test("it is offered again in a new session or after ten minutes, until the station has decided")
    func again() throws {
        try put("2", "two.tar")
        let offers = offers()
        let offer = try #require(offers.offer(to: "alpha", session: 1, isNewSession: true, now: 0))
        #expect(offers.offer(to: "alpha", session: 1, isNewSession: false, now: 599_999) == nil)
        #expect(offers.offer(to: "alpha", session: 1, isNewSession: false, now: 600_000) != nil)
        #expect(offers.offer(to: "alpha", session: 2, isNewSession: true, now: 600_001) != nil)
        let staged = LinkMessage.BundleReport(session: 2, bundle: offer.bundle, stage: .staged)
        #expect(offers.note(staged, from: "alpha"))
        #expect(!offers.note(staged, from: "alpha"))
        #expect(offers.offer(to: "alpha", session: 3, isNewSession: true, now: 600_002) != nil)
        #expect(offers.note(.init(session: 3, bundle: offer.bundle, stage: .committed), from: "alpha"))
        #expect(offers.offer(to: "alpha", session: 4, isNewSession: true, now: 9_000_000) == nil)
        #expect(offers.json["stations"]?["alpha"]?["stage"] == .string("committed"))
        try put("3", "three.tar")
        #expect(offers.refresh(now: 9_000_000))
        #expect(offers.offer(to: "alpha", session: 4, isNewSession: false, now: 9_000_001)?.version == 3)
    }

    @Test("pieces are the octets of the file, none beyond its end, none to whom it was not offered")
    func pieces() throws {
        let packed = try put("2", "two.tar")
        let offers = offers()
        let offer = try #require(offers.offer(to: "alpha", session: 1, isNewSession: true, now: 0))
        var octets: [UInt8] = []
        while octets.count < packed.octets.count {
            let fetch = LinkMessage.Fetch(session: 1, bundle: offer.bundle, offset: octets.count, size: 8_192)
            let piece = try #require(offers.piece(fetch, for: "alpha", now: 0))
            #expect(piece.offset == octets.count && piece.bundle == offer.bundle)
            octets += piece.octets
        }
        #expect(octets == packed.octets)
        let first = LinkMessage.Fetch(session: 1, bundle: offer.bundle, offset: 0, size: 8_192)
        #expect(offers.piece(first, for: "beta", now: 0) == nil)
        let other = LinkMessage.Fetch(session: 1, bundle: offer.bundle &+ 1, offset: 0, size: 8_192)
        #expect(offers.piece(other, for: "alpha", now: 0) == nil)
        let beyond = LinkMessage.Fetch(session: 1, bundle: offer.bundle, offset: packed.octets.count, size: 1)
        #expect(offers.piece(beyond, for: "alpha", now: 0) == nil)
        #expect(offers.json["stations"]?["alpha"]?["fetched"]?.int == packed.octets.count)
    }

    @Test("a station that asks for everything at once gets a mebibyte a second")
    func rate() throws {
        try put("2", "two.tar", size: 100_000)
        let offers = offers()
        let offer = try #require(offers.offer(to: "alpha", session: 1, isNewSession: true, now: 0))
        let fetch = LinkMessage.Fetch(session: 1, bundle: offer.bundle, offset: 0, size: 16_384)
        let given = (0..<100).count { _ in offers.piece(fetch, for: "alpha", now: 5_000) != nil }
        #expect(given == FirmwareOffers.rateLimit / 16_384)
        #expect(offers.piece(fetch, for: "alpha", now: 6_000) != nil)
    }

    @Test("what is no release is named and not offered; the others are")
    func refused() throws {
        try put("2", "two.tar")
        try put("two", "text.tar")
        try list("no tar", "broken.tar")
        try list("not looked at", "notes.txt")
        let offers = offers()
        #expect(offers.bundles.map(\.version) == [2])
        #expect(offers.refusals.map(\.path) == [folder.file("broken.tar"), folder.file("text.tar")])
    }

    @Test("a folder that is not there offers nothing, and is looked at every ten seconds")
    func missing() throws {
        let offers = Desk(folder.file("none"))
        #expect(offers.isLookDue(now: 0))
        #expect(!offers.refresh(now: 0))
        #expect(!offers.isLookDue(now: 9_999) && offers.isLookDue(now: 10_000))
        #expect(offers.offer(to: "alpha", session: 1, isNewSession: true, now: 0) == nil)
    }
}

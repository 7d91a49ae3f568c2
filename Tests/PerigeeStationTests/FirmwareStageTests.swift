import Foundation
import PerigeeCore
import PerigeeFirmware
import PerigeeLink
import PerigeeRollout
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("firmware over the link, at the station")
struct FirmwareStageTests {
    private let folder: TemporaryFolder
    private let slots: SlotStore
    private let key = SigningSecretKey()

    init() throws {
        folder = try TemporaryFolder()
        slots = SlotStore(directory: folder.file("slots"), keys: TrustedKeys([key.publicKey]))
    }

    private func passes(_: FirmwareBundle) throws(RolloutError) {}

    /// A stage by reference: the macros of tests call nothing that changes a value.
    private final class Desk {
        private var stage: FirmwareStage
        init(_ stage: FirmwareStage) { self.stage = stage }
        var due: Int64? { stage.due }
        func take(_ offer: LinkMessage.Offer, now: LinkTime) -> [FirmwareStage.Reply] { stage.take(offer, now: now) }
        func take(_ piece: LinkMessage.Piece, now: LinkTime) -> [FirmwareStage.Reply] { stage.take(piece, now: now) }
        func tick(now: LinkTime) -> [FirmwareStage.Reply] { stage.tick(now: now) }
    }

    private func stage() -> Desk {
        Desk(FirmwareStage(slots: slots, slotsFolder: folder.file("slots"), check: { (_) throws(RolloutError) in }))
    }

    private func release(_ version: Int, key: SigningSecretKey? = nil) throws -> PackedBundle {
        let octets = (0..<30_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ version) }
        let manifest =
            "{\"format\": 1, \"name\": \"small\", \"version\": \"\(version)\", \"profiles\": [], \"files\": "
            + "{\"a.bin\": {\"size\": 30000, \"sha256\": \"\(Hex.text(SHA256.digest(octets)))\"}}}"
        return try PackedBundle(
            manifest: Array(manifest.utf8), signature: nil, files: [(name: "a.bin", octets: octets)]
        ).signed(by: key ?? self.key, comment: "")
    }

    private func time(_ milliseconds: Int64) throws -> LinkTime {
        LinkTime(monotonic: milliseconds, utc: try #require(Timestamp(rfc3339: "2026-03-01T10:00:00Z")))
    }

    private func offer(_ packed: PackedBundle, _ version: UInt64, bundle: UInt32 = 5) -> LinkMessage.Offer {
        .init(session: 1, bundle: bundle, version: version, size: packed.octets.count, digest: packed.digest)
    }

    private func reports(_ replies: [FirmwareStage.Reply]) -> [BundleStage] {
        replies.compactMap { if case .report(let report) = $0 { report.stage } else { nil } }
    }

    private func fetches(_ replies: [FirmwareStage.Reply]) -> [LinkMessage.Fetch] {
        replies.compactMap { if case .fetch(let fetch) = $0 { fetch } else { nil } }
    }

    /// A gateway that answers each FETCH after `delay` milliseconds, until there is none or `limit` were answered. Gives all
    /// replies and the time at the end.
    private func serve(
        _ packed: PackedBundle, _ stage: Desk, _ first: [FirmwareStage.Reply], delay: Int64 = 100,
        limit: Int = 1_000, from start: Int64 = 0
    ) throws -> (replies: [FirmwareStage.Reply], end: Int64) {
        var all = first
        var clock = start
        var next = fetches(first).last
        var answered = 0
        while let fetch = next, answered < limit {
            clock += delay
            let octets = packed.octets[fetch.offset..<fetch.offset + fetch.size]
            var replies = stage.take(
                LinkMessage.Piece(session: 1, bundle: fetch.bundle, offset: fetch.offset, octets: octets),
                now: try time(clock))
            answered += 1
            if fetches(replies).isEmpty, let due = stage.due {
                clock = max(clock, due)
                replies += stage.tick(now: try time(clock))
            }
            all += replies
            next = fetches(replies).last
        }
        return (all, clock)
    }

    @Test("it is fetched in pieces, installed for trial, and the gateway is told")
    func whole() throws {
        let packed = try release(3)
        let stage = stage()
        let first = stage.take(offer(packed, 3), now: try time(0))
        #expect(reports(first) == [.fetching] && fetches(first).map(\.offset) == [0])
        let (replies, _) = try serve(packed, stage, first)
        #expect(fetches(replies).map(\.offset) == Array(stride(from: 0, to: packed.octets.count, by: 8_192)))
        #expect(fetches(replies).allSatisfy { $0.size <= 8_192 && $0.bundle == 5 })
        #expect(reports(replies) == [.fetching, .staged])
        #expect(try slots.read().current == .slot(.a))
        #expect(
            try !FileManager.default.contentsOfDirectory(atPath: folder.file("slots/incoming")).contains {
                $0.hasSuffix(".part")
            })
        // the same offer again is known
        #expect(reports(stage.take(offer(packed, 3), now: try time(1))) == [.staged])
    }

    @Test("it takes at most a fifth of the line", arguments: [20, 2_000] as [Int64])
    func share(delay: Int64) throws {
        let packed = try release(3)
        let stage = stage()
        let (replies, end) = try serve(packed, stage, stage.take(offer(packed, 3), now: time(0)), delay: delay)
        let busy = delay * Int64(fetches(replies).count)
        // no rest is needed behind the last piece
        #expect(5 * (busy - delay) + delay == end)
    }

    @Test("what was fetched before a restart is not fetched again")
    func resumed() throws {
        let packed = try release(3)
        let stage = stage()
        _ = try serve(packed, stage, stage.take(offer(packed, 3), now: time(0)), limit: 2)
        let second = self.stage()
        let first = second.take(offer(packed, 3, bundle: 6), now: try time(0))
        #expect(fetches(first).map(\.offset) == [16_384])
        #expect(reports(try serve(packed, second, first).replies) == [.fetching, .staged])
    }

    @Test("a piece that does not come is asked for again, later each time; one that was not asked for is passed over")
    func lost() throws {
        let packed = try release(3)
        let stage = stage()
        _ = stage.take(offer(packed, 3), now: try time(0))
        #expect(stage.tick(now: try time(29_999)).isEmpty)
        #expect(fetches(stage.tick(now: try time(30_000))).map(\.offset) == [0])
        #expect(stage.tick(now: try time(89_999)).isEmpty)
        #expect(fetches(stage.tick(now: try time(90_000))).map(\.offset) == [0])
        let octets = packed.octets[0..<8_192]
        for strange in [
            LinkMessage.Piece(session: 1, bundle: 6, offset: 0, octets: octets),
            LinkMessage.Piece(session: 1, bundle: 5, offset: 8_192, octets: octets),
        ] {
            #expect(stage.take(strange, now: try time(90_001)).isEmpty)
        }
        #expect(
            reports(
                try serve(packed, stage, [.fetch(.init(session: 0, bundle: 5, offset: 0, size: 8_192))], from: 90_002)
                    .replies) == [.staged])
    }

    @Test("octets that are not those of the offer are refused, and the offer is not taken again in this run")
    func otherOctets() throws {
        let packed = try release(3)
        let stage = stage()
        let first = stage.take(offer(packed, 3), now: try time(0))
        let other = try release(4)
        #expect(reports(try serve(other, stage, first).replies) == [.fetching, .refused])
        #expect(reports(stage.take(offer(packed, 3), now: try time(9_000_000))) == [.refused])
    }

    @Test("a stranger's signature is refused in words that fit a report")
    func unsigned() throws {
        let packed = try release(3, key: SigningSecretKey())
        let stage = stage()
        let (replies, _) = try serve(packed, stage, stage.take(offer(packed, 3), now: time(0)))
        guard case .report(let report)? = replies.last else {
            Issue.record("no report")
            return
        }
        #expect(report.stage == .refused && report.reason.contains("manifest.json.minisig"))
        #expect(report.reason.utf8.count <= LinkLimit.text)
        #expect(try slots.read().current == .package)
    }

    @Test("an older version is refused before anything is fetched, and so is everything without keys")
    func older() throws {
        let now = try time(0).utc
        _ = try slots.install(release(5), allowsDowngrade: false, now: now, check: passes)
        let trial = try #require(slots.start(now: now, check: passes).trial)
        try slots.settle(trial, .passed, frames: 50, seconds: 0, now: now)
        let stage = stage()
        let replies = stage.take(offer(try release(5), 5), now: try time(0))
        #expect(reports(replies) == [.refused] && fetches(replies).isEmpty)
        let closed = Desk(FirmwareStage(slots: nil, slotsFolder: folder.file("slots")))
        #expect(reports(closed.take(offer(try release(6), 6), now: try time(0))) == [.refused])
    }

    @Test("the gateway learns how the trial went, also after a restart")
    func news() throws {
        let packed = try release(3)
        let stage = stage()
        _ = try serve(packed, stage, stage.take(offer(packed, 3), now: time(0)))
        #expect(stage.tick(now: try time(9_000)).isEmpty)
        let now = try time(0).utc
        let trial = try #require(slots.start(now: now, check: passes).trial)
        #expect(reports(stage.tick(now: try time(10_000))) == [.trial])
        // no second bundle while this one is tried
        #expect(stage.take(offer(try release(4), 4, bundle: 9), now: try time(10_001)).isEmpty)
        let later = self.stage()
        #expect(reports(later.take(offer(packed, 3), now: try time(0))) == [.trial])
        try slots.settle(trial, .failed(reason: "1 of 9 frames"), frames: 8, seconds: 1, now: now)
        let replies = later.tick(now: try time(1_000))
        #expect(replies == [.report(.init(session: 0, bundle: 5, stage: .returned, reason: "1 of 9 frames"))])
        #expect(later.tick(now: try time(2_000)).isEmpty)
    }
}

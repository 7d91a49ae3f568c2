internal import Glibc
internal import PerigeeCore
internal import PerigeeFirmware
package import PerigeeJSON
package import PerigeeLink

/// Packed bundles in a folder, offered to stations and handed out piece by piece. Whether one is good each station decides by
/// its own keys; here only its shape and digest are looked at.
///
/// `NAME.tar` is offered to every station, or to those that `NAME.stations` lists, one a line. Files are put there by
/// renaming. Belongs to the gateway's thread.
package struct FirmwareOffers {
    /// Milliseconds between looks at the folder, and between offers that a station has not answered for good.
    package static let lookInterval: Int64 = 10_000, offerInterval: Int64 = 600_000
    /// Octets a second that a station may fetch, whatever it asks for.
    package static let rateLimit = 1 << 20
    private static let listLimit = 1 << 20, fileLimit = 64

    /// A packed bundle in the folder.
    package struct Bundle: Equatable {
        package let path: String
        package let version: UInt64
        package let firmware: UInt32
        package let size: Int
        package let digest: [UInt8]
        /// nil: every station.
        package let stations: Set<String>?

        /// By which messages name it: the first octets of its digest, so that the same octets keep their name.
        package var name: UInt32 { digest.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    }

    /// How far a station is.
    package struct Progress: Equatable {
        package var bundle: Bundle
        package var stage: BundleStage?
        package var reason = ""
        package var fetched = 0
        /// Of the monotonic clock.
        var offeredAt: Int64
        var second: Int64 = 0
        var sizeInSecond = 0

        /// The station will say nothing more of it.
        package var isDecided: Bool {
            switch stage {
            case .refused, .committed, .returned: true
            case nil, .fetching, .staged, .trial: false
            }
        }
    }

    /// A file that is no packed release, and why.
    package struct Refusal: Equatable {
        package let path: String
        package let reason: String
    }

    private struct FileMark: Equatable {
        var size: Int
        var time: Int
        var number: UInt64

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            size = Int(status.st_size)
            time = Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
            number = UInt64(status.st_ino)
        }
    }

    private let folder: String
    private var looked: Int64?
    private var marks: [String: FileMark] = [:]
    package private(set) var bundles: [Bundle] = []
    package private(set) var refusals: [Refusal] = []
    package private(set) var progress: [String: Progress] = [:]

    package init(folder: String) { self.folder = folder }

    /// It is time to look again.
    package func isLookDue(now: Int64) -> Bool { looked.map { now - $0 >= Self.lookInterval } ?? true }

    /// Looks whether the folder has changed; true where it has. Reads a bundle whole when it is new.
    package mutating func refresh(now: Int64) -> Bool {
        looked = now
        let names = Self.names(folder).prefix(2 * Self.fileLimit)
        var found: [String: FileMark] = [:]
        for name in names { found[name] = FileMark("\(folder)/\(name)") }
        guard found != marks else { return false }
        marks = found
        bundles = []
        refusals = []
        for name in names where name.hasSuffix(".tar") {
            do throws(FirmwareError) {
                bundles.append(try read(name, hasList: found[name.dropLast(4) + ".stations"] != nil))
            } catch {
                refusals.append(Refusal(path: "\(folder)/\(name)", reason: "\(error)"))
            }
        }
        // the highest first
        bundles.sort { $0.version > $1.version }
        return true
    }

    private func read(_ name: String, hasList: Bool) throws(FirmwareError) -> Bundle {
        let path = "\(folder)/\(name)"
        let packed = try PackedBundle(file: path)
        let manifest = try packed.contents()
        guard let version = manifest.release else {
            throw .unusable(
                field: "version of \(path)", found: manifest.version, expected: "a whole number of 1 or more")
        }
        return Bundle(
            path: path, version: version, firmware: manifest.id, size: packed.octets.count, digest: packed.digest,
            stations: hasList ? stations("\(folder)/\(name.dropLast(4)).stations") : nil)
    }

    /// Names in a list; none where it cannot be read, so that a fault never offers to all.
    private func stations(_ path: String) -> Set<String> {
        guard let octets = OfferedFile.read(path, limit: Self.listLimit) else { return [] }
        return Set(
            String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isNewline)
                .map { $0.prefix { $0 != "#" }.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }.map { String($0) })
    }

    private static func names(_ folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// What a station is to be told now; nil where nothing is offered to it, or it was told a while ago. `isNewSession`: it
    /// knows nothing of earlier offers.
    package mutating func offer(
        to station: String, session: UInt32, isNewSession: Bool, now: Int64
    ) -> LinkMessage.Offer? {
        guard let bundle = bundles.first(where: { $0.stations?.contains(station) ?? true }) else {
            progress[station] = nil
            return nil
        }
        if var known = progress[station], known.bundle == bundle {
            guard !known.isDecided, isNewSession || now - known.offeredAt >= Self.offerInterval else { return nil }
            known.offeredAt = now
            progress[station] = known
        } else {
            progress[station] = Progress(bundle: bundle, offeredAt: now)
        }
        return .init(
            session: session, bundle: bundle.name, version: bundle.version, size: bundle.size, digest: bundle.digest)
    }

    /// The octets that a station asks for; nil where they are none of what it was offered, or too many for now.
    package mutating func piece(_ fetch: LinkMessage.Fetch, for station: String, now: Int64) -> LinkMessage.Piece? {
        guard var known = progress[station], known.bundle.name == fetch.bundle, fetch.offset < known.bundle.size
        else { return nil }
        let size = min(fetch.size, known.bundle.size - fetch.offset)
        if now - known.second >= 1_000 { (known.second, known.sizeInSecond) = (now, 0) }
        guard known.sizeInSecond + size <= Self.rateLimit,
            let octets = OfferedFile.piece(known.bundle.path, offset: fetch.offset, size: size)
        else { return nil }
        known.sizeInSecond += size
        known.fetched = max(known.fetched, fetch.offset + size)
        progress[station] = known
        return .init(session: fetch.session, bundle: fetch.bundle, offset: fetch.offset, octets: octets[...])
    }

    /// Notes what a station says of its bundle; true where it is news.
    package mutating func note(_ report: LinkMessage.BundleReport, from station: String) -> Bool {
        guard var known = progress[station], known.bundle.name == report.bundle,
            known.stage != report.stage || known.reason != report.reason
        else { return false }
        known.stage = report.stage
        known.reason = report.reason
        progress[station] = known
        return true
    }

    /// For the status of the gateway.
    package var json: JSONValue {
        .object([
            "offers": .array(
                bundles.map { bundle in
                    .object([
                        "file": .string(bundle.path), "version": .integer(Int(clamping: bundle.version)),
                        "firmware": .string(Hex.text(bundle.firmware)), "bytes": .integer(bundle.size),
                        "stations": bundle.stations.map { .strings($0.sorted()) } ?? .null,
                    ])
                }),
            "stations": .sorted(
                progress.mapValues { known in
                    .object([
                        "version": .integer(Int(clamping: known.bundle.version)),
                        "stage": .optional(known.stage.map { "\($0)" }), "fetched": .integer(known.fetched),
                        "reason": .string(known.reason),
                    ])
                }),
        ])
    }
}

import PerigeeCore
import PerigeeFirmware
import PerigeeRollout
import Testing

/// Bundles that a store can keep and no codec can use: small, and quick to make.
struct SmallReleases {
    let key = SigningSecretKey()

    var keys: TrustedKeys { TrustedKeys([key.publicKey]) }

    /// A signed release. `size` is that of its largest file, so that writing it takes several steps.
    func make(_ version: UInt64, size: Int = 70_000, key other: SigningSecretKey? = nil) throws -> PackedBundle {
        let files = (0..<3).map { index in
            (
                name: "part-\(index).bin",
                octets: (0..<size / (index + 1)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(version)) }
            )
        }
        let list = files.map {
            "\"\($0.name)\": {\"size\": \($0.octets.count), \"sha256\": \"\(Hex.text(SHA256.digest($0.octets)))\"}"
        }
        let manifest =
            "{\"format\": 1, \"name\": \"small\", \"version\": \"\(version)\", \"profiles\": [], "
            + "\"files\": {\(list.joined(separator: ", "))}}"
        return try PackedBundle(manifest: Array(manifest.utf8), signature: nil, files: files)
            .signed(by: other ?? key, comment: "version \(version)")
    }

    static func id(_ bundle: PackedBundle) throws -> UInt32 { try bundle.contents().id }
}

/// Moments of tests, in order.
func moment(_ second: Int) throws -> Timestamp {
    let digits = second % 60 < 10 ? "0\(second % 60)" : "\(second % 60)"
    return try #require(Timestamp(rfc3339: "2026-03-01T10:\(10 + second / 60):\(digits)Z"))
}

/// Lets every bundle pass.
let passes: SlotStore.Check = { (_: FirmwareBundle) throws(RolloutError) in }

/// Lets none pass.
let fails: SlotStore.Check = { (_: FirmwareBundle) throws(RolloutError) in throw .untestable }

/// An installed bundle was not tried: its start could not be counted.
struct NotTried: Error {}

extension SlotStore {
    /// Installs a bundle and lets it pass its trial.
    func keep(_ bundle: PackedBundle, second: Int = 0) throws {
        _ = try install(bundle, allowsDowngrade: false, now: moment(second), check: passes)
        let start = start(now: try moment(second), check: passes)
        guard let trial = start.trial else { throw NotTried() }
        try settle(trial, .passed, frames: SlotState.frameGoal, seconds: 9, now: moment(second))
    }
}

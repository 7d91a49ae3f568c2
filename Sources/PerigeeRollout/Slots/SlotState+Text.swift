import PerigeeCore
import PerigeeFirmware
public import PerigeeJSON

extension SlotState {
    /// Octets of the file at most.
    static let sizeLimit = 64 << 10
    private static let format = 1

    /// The text of `state.json`: the state, and the SHA-256 of its JSON on one line.
    package var octets: [UInt8] {
        let state = json
        let text = JSONValue.object(["sha256": .string(Self.digest(state)), "state": state])
        return Array((text.indented + "\n").utf8)
    }

    /// Reads `state.json`; nil where it is damaged.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.count <= Self.sizeLimit, let file = try? JSONValue(parsing: bytes[...], depthLimit: 8),
            let state = file["state"], case .string(let digest)? = file["sha256"], digest == Self.digest(state),
            state["format"]?.int == Self.format, let active = state["active"]?.string.flatMap(BundleSource.init)
        else { return nil }
        self.init()
        self.active = active
        previous = state["previous"]?.string.flatMap(BundleSource.init)
        for slot in Slot.allCases {
            guard let content = Content(state["slots"]?[slot.rawValue]) else { return nil }
            contents[slot] = content
        }
        if let trial = state["trial"], trial != .null {
            guard let parsed = Trial(trial) else { return nil }
            self.trial = parsed
        }
        guard case .object(let members)? = state["accepted"], case .array(let items)? = state["failures"] else {
            return nil
        }
        for member in members {
            guard let key = SigningKeyID(member.name), let version = member.value.int, version >= 0 else { return nil }
            accepted[key] = UInt64(version)
        }
        for item in items {
            guard let failure = Failure(item) else { return nil }
            failures.append(failure)
        }
        // a state that contradicts itself is no better than a damaged one
        let used = [active, previous, trial.map { .slot($0.slot) }].compactMap { $0 }
        for case .slot(let slot) in used where release(slot) == nil { return nil }
    }

    private static func digest(_ state: JSONValue) -> String {
        Hex.text(SHA256.digest(Array(state.description.utf8)))
    }

    /// The state as files and reports say it.
    public var json: JSONValue {
        .object([
            "format": .integer(Self.format), "active": .string(active.text), "previous": .optional(previous?.text),
            "slots": .object(
                Slot.allCases.map { JSONValue.Member($0.rawValue, (contents[$0] ?? .empty).json) }),
            "trial": trial?.json ?? .null,
            "accepted": .sorted(
                Dictionary(uniqueKeysWithValues: accepted.map { ("\($0.key)", .integer(Int(clamping: $0.value))) })),
            "failures": .array(failures.map(\.json)),
        ])
    }
}

extension SlotState.Release {
    fileprivate init?(_ json: JSONValue?) {
        guard let idText = json?["firmware"]?.string, let id = UInt32(idText, radix: 16),
            let name = json?["name"]?.string, let version = json?["version"]?.int, version >= 1,
            let key = json?["key"]?.string.flatMap(SigningKeyID.init)
        else { return nil }
        self.init(id: id, name: name, version: UInt64(version), key: key)
    }

    fileprivate var json: JSONValue {
        .object([
            "firmware": .string(Hex.text(id)), "name": .string(name), "version": .integer(Int(clamping: version)),
            "key": .string("\(key)"),
        ])
    }
}

extension SlotState.Content {
    fileprivate init?(_ json: JSONValue?) {
        switch json?.string {
        case "empty"?: self = .empty
        case "writing"?: self = .writing
        default:
            guard let release = SlotState.Release(json) else { return nil }
            self = .ready(release)
        }
    }

    fileprivate var json: JSONValue {
        switch self {
        case .empty: .string("empty")
        case .writing: .string("writing")
        case .ready(let release): release.json
        }
    }
}

extension SlotState.Trial {
    fileprivate init?(_ json: JSONValue) {
        guard let slot = json["slot"]?.string.flatMap(Slot.init(rawValue:)), let starts = json["starts"]?.int,
            let seconds = json["seconds"]?.int, let frames = json["frames"]?.int, min(starts, seconds, frames) >= 0
        else { return nil }
        self.init(slot: slot, starts: starts, seconds: seconds, frames: frames)
    }

    fileprivate var json: JSONValue {
        .object([
            "slot": .string(slot.rawValue), "starts": .integer(starts), "seconds": .integer(seconds),
            "frames": .integer(frames),
        ])
    }
}

extension SlotState.Failure {
    fileprivate init?(_ json: JSONValue) {
        guard let release = SlotState.Release(json["release"]), let reason = json["reason"]?.string,
            let time = json["time"]?.string.flatMap(Timestamp.init(rfc3339:))
        else { return nil }
        self.init(release: release, reason: reason, time: time)
    }

    fileprivate var json: JSONValue {
        .object(["release": release.json, "reason": .string(reason), "time": .string(time.rfc3339)])
    }
}

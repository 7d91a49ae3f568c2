public import PerigeeCore
public import PerigeeFirmware

/// Installed bundles in two slots of a folder, and `state.json` that says which one counts. Every change is durable before the
/// next begins, so that a cut at any moment leaves what served before, or what was installed, and never a mixture.
///
/// Several processes may use one folder; each step holds its lock.
public struct SlotStore: Sendable {
    static let stateFile = "state.json", newStateFile = "state.json.new", damagedStateFile = "state.json.damaged"
    static let trialLog = "trial.log", failedTrialLog = "trial-failed.log"
    static let logLimit = 64 << 10
    private static let slotFileLimit = FirmwareBundle.fileLimit + 2

    let files: any SlotFiles
    /// Keys that may have signed what lies in a slot.
    public let keys: TrustedKeys

    /// A store over any files.
    public init(files: any SlotFiles, keys: TrustedKeys) {
        self.files = files
        self.keys = keys
    }

    /// A store in a folder of the disk.
    public init(directory: String, keys: TrustedKeys) { self.init(files: DiskFiles(directory: directory), keys: keys) }

    /// What tries a bundle: the self-test, except in tests of the store alone.
    public typealias Check = @Sendable (FirmwareBundle) throws(RolloutError) -> Void

    /// The state; that of an empty store where there is none or it is damaged. Changes nothing.
    public func read() throws(RolloutError) -> SlotState {
        try firmware { () throws(FirmwareError) in
            try files.read(Self.stateFile, limit: SlotState.sizeLimit).flatMap(SlotState.init(parsing:))
        } ?? SlotState()
    }

    /// Checks a packed bundle from outside in, writes it to the slot that serves nobody, reads it back, and has it tried from
    /// the next start on. `now` stands in the log. `refusesFailed`: not one that failed its trial here before.
    public func install(
        _ packed: PackedBundle, allowsDowngrade: Bool, refusesFailed: Bool = false, now: Timestamp,
        check: Check = SelfTest.run
    ) throws(RolloutError) -> SlotState.Release {
        let key = try firmware { () throws(FirmwareError) in try packed.verify(keys) }
        let bundle = try firmware { () throws(FirmwareError) in try FirmwareBundle.load(packed) }
        let release = try release(bundle.manifest, key)
        return try files.exclusively { () throws(RolloutError) in
            var state = try load(now)
            try state.check(release, allowsDowngrade: allowsDowngrade)
            if refusesFailed, let failure = state.failures.last(where: { $0.release == release }) {
                throw .failedBefore(version: release.version, reason: failure.reason)
            }
            try check(bundle)
            let slot = state.beginWriting()
            try save(state)
            try firmware { () throws(FirmwareError) in try write(packed, to: slot) }
            state.finishWriting(slot, release)
            try save(state)
            state.beginTrial(slot)
            try firmware { () throws(FirmwareError) in try files.remove(Self.trialLog) }
            log("installed \(release.text) into slot \(slot.rawValue)", now)
            try save(state)
            return release
        }
    }

    /// Has the bundle that lies in a slot and does not serve tried again, from the next start on: after a return by hand, or once the
    /// package's bundle took over. Checks it as `install` does.
    public func activate(now: Timestamp, check: Check = SelfTest.run) throws(RolloutError) -> SlotState.Release {
        try files.exclusively { () throws(RolloutError) in
            var state = try load(now)
            guard let slot = state.waiting, let release = state.release(slot) else { throw .nothingToTry }
            try state.check(release, allowsDowngrade: false)
            try check(try bundle(in: slot))
            state.beginTrial(slot)
            try firmware { () throws(FirmwareError) in try files.remove(Self.trialLog) }
            log("\(release.text) in slot \(slot.rawValue) is to be tried again", now)
            try save(state)
            return release
        }
    }

    func release(_ manifest: FirmwareManifest, _ key: SigningKeyID) throws(RolloutError) -> SlotState.Release {
        guard let version = manifest.release else {
            throw .firmware(
                .unusable(
                    field: "version of the bundle", found: manifest.version, expected: "a whole number of 1 or more"))
        }
        return SlotState.Release(id: manifest.id, name: manifest.name, version: version, key: key)
    }

    /// Writes every file, makes it durable, and reads it back.
    private func write(_ packed: PackedBundle, to slot: Slot) throws(FirmwareError) {
        let folder = slot.rawValue
        try files.makeFolder(folder)
        for name in try files.names(in: folder) { try files.remove("\(folder)/\(name)") }
        for file in packed.files {
            try files.write(file.octets, to: "\(folder)/\(file.name)")
            try files.sync("\(folder)/\(file.name)")
        }
        try files.sync(folder)
        try files.sync("")
        for file in packed.files {
            let found = try files.read("\(folder)/\(file.name)", limit: file.octets.count)
            guard found == file.octets else {
                throw .digest(
                    file: "slot \(folder), \(file.name), read back", found: SHA256.digest(found ?? []),
                    expected: SHA256.digest(file.octets))
            }
        }
    }

    /// The bundle in a slot, every octet checked again, its signature too: a key that is no longer trusted ends its bundles.
    package func bundle(in slot: Slot) throws(RolloutError) -> FirmwareBundle {
        try firmware { () throws(FirmwareError) in
            let folder = slot.rawValue
            func file(_ name: String, limit: Int) throws(FirmwareError) -> [UInt8] {
                guard let octets = try files.read("\(folder)/\(name)", limit: limit) else {
                    throw .unusable(field: "\(name) of slot \(folder)", found: "absent", expected: "a file")
                }
                return octets
            }
            let manifestOctets = try file(FirmwareManifest.manifestFile, limit: FirmwareManifest.sizeLimit)
            let signature = try file(FirmwareManifest.signatureFile, limit: DetachedSignature.sizeLimit)
            try keys.verify(manifestOctets, signature: signature, file: "slot \(folder)")
            let manifest = try FirmwareManifest(parsing: manifestOctets)
            var parts: [(name: String, octets: [UInt8])] = []
            for part in manifest.files { parts.append((part.name, try file(part.name, limit: part.size))) }
            return try FirmwareBundle.load(
                PackedBundle(manifest: manifestOctets, signature: signature, files: parts))
        }
    }

    /// The state, for a change. A damaged one is set aside; what came with the program serves then, and the versions in the
    /// slots are still the least that is accepted.
    func load(_ now: Timestamp) throws(RolloutError) -> SlotState {
        let octets = try firmware { () throws(FirmwareError) in
            try files.read(Self.stateFile, limit: SlotState.sizeLimit)
        }
        if let state = octets.flatMap(SlotState.init(parsing:)) { return state }
        var state = SlotState()
        for slot in Slot.allCases {
            guard let bundle = try? bundle(in: slot), let version = bundle.manifest.release,
                let key = try? key(of: slot)
            else { continue }
            state.accepted[key] = max(state.accepted[key] ?? 0, version)
        }
        if octets != nil {
            try firmware { () throws(FirmwareError) in
                try files.rename(Self.stateFile, to: Self.damagedStateFile)
            }
            log("the state was damaged and set aside: the bundle of the package serves", now)
            try save(state)
        }
        return state
    }

    private func key(of slot: Slot) throws(FirmwareError) -> SigningKeyID? {
        guard
            let octets = try files.read(
                "\(slot.rawValue)/\(FirmwareManifest.signatureFile)", limit: DetachedSignature.sizeLimit)
        else { return nil }
        return (try? DetachedSignature(parsing: octets))?.keyID
    }

    func save(_ state: SlotState) throws(RolloutError) {
        try firmware { () throws(FirmwareError) in
            try files.write(state.octets, to: Self.newStateFile)
            try files.sync(Self.newStateFile)
            try files.rename(Self.newStateFile, to: Self.stateFile)
            try files.sync("")
        }
    }

    /// Adds a line to the log of the trial. It is for people: where it cannot be written the trial goes on.
    func log(_ line: String, _ now: Timestamp) {
        let before = (try? files.read(Self.trialLog, limit: Self.logLimit)) ?? []
        let octets = before + Array("\(now.rfc3339) \(line)\n".utf8)
        guard octets.count <= Self.logLimit else { return }
        try? files.write(octets, to: Self.trialLog)
    }
}

extension SlotState.Release {
    /// For people.
    public var text: String { "\(name) version \(version) (\(Hex.text(id)))" }
}

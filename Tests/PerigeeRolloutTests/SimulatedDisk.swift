import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Synchronization

/// A disk in memory that can lose power before any step, and then has of what was never synced nothing, all, or any part.
final class SimulatedDisk: SlotFiles {
    /// What becomes of octets and names that were written but not synced.
    enum Loss: CaseIterable, Sendable {
        case all
        case none
        case some
    }

    private struct File {
        var octets: [UInt8]
        var durable: [UInt8]
    }

    private struct Content {
        /// Files by number, and what names point to them: now, and after a loss of power.
        var files: [Int: File] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var next = 0
        var steps = 0
        var cut: Int?
    }

    private let content = Mutex(Content())
    private static let chunk = 24 << 10

    /// Steps so far: a chunk written, a sync, a rename, a removal, a new folder.
    var steps: Int { content.withLock { $0.steps } }

    /// Power goes before this step; nil never.
    func cut(before step: Int?) {
        content.withLock {
            $0.steps = 0
            $0.cut = step
        }
    }

    /// What is left when power comes back.
    func restart(_ loss: Loss, seed: UInt64) {
        content.withLock { content in
            var generator = SeededGenerator(seed: seed)
            content.cut = nil
            let names = Set(content.names.keys).union(content.durableNames.keys).sorted()
            for name in names where keeps(loss, &generator) { content.durableNames[name] = content.names[name] }
            content.names = content.durableNames
            for number in content.files.keys.sorted() {
                guard var file = content.files[number] else { continue }
                switch loss {
                case .all: file.octets = file.durable
                case .none: break
                case .some:
                    let count = Int.random(in: 0...file.octets.count, using: &generator)
                    if file.octets != file.durable {
                        file.octets = Array(file.octets.prefix(count) + file.durable.dropFirst(count))
                    }
                }
                file.durable = file.octets
                content.files[number] = file
            }
        }
    }

    private func keeps(_ loss: Loss, _ generator: inout SeededGenerator) -> Bool {
        switch loss {
        case .all: false
        case .none: true
        case .some: Bool.random(using: &generator)
        }
    }

    /// Runs `body` on the content; the lock lends it to one at a time.
    private func access<Value: Sendable>(
        _ body: (inout Content) -> Result<Value, FirmwareError>
    ) throws(FirmwareError) -> Value {
        try content.withLock { content in body(&content) }.get()
    }

    private func change(
        _ operation: String, _ body: (inout Content) -> Void
    ) throws(FirmwareError) {
        try access { (content) -> Result<Void, FirmwareError> in
            if let cut = content.cut, content.steps >= cut {
                return .failure(.file(path: "disk", operation: operation, reason: "no power"))
            }
            content.steps += 1
            body(&content)
            return .success(())
        }
    }

    func read(_ name: String, limit: Int) throws(FirmwareError) -> [UInt8]? {
        try access { content in
            let octets = content.names[name].flatMap { content.files[$0]?.octets }
            if let octets, octets.count > limit {
                return .failure(.outOfRange(field: "\(name) size", value: octets.count, limit: limit))
            }
            return .success(octets)
        }
    }

    func write(_ octets: [UInt8], to name: String) throws(FirmwareError) {
        try change("make \(name)") { content in
            content.names[name] = content.next
            content.files[content.next] = File(octets: [], durable: [])
            content.next += 1
        }
        for start in stride(from: 0, to: octets.count, by: Self.chunk) {
            try change("write \(name)") { content in
                guard let number = content.names[name] else { return }
                content.files[number]?.octets += octets[start..<min(start + Self.chunk, octets.count)]
            }
        }
    }

    func sync(_ name: String) throws(FirmwareError) {
        try change("sync \(name)") { content in
            if let number = content.names[name], let file = content.files[number] {
                content.files[number]?.durable = file.octets
            } else {
                let prefix = name.isEmpty ? "" : "\(name)/"
                func isInside(_ other: String) -> Bool {
                    other.hasPrefix(prefix) && !other.dropFirst(prefix.count).contains("/")
                }
                content.durableNames = content.durableNames.filter { !isInside($0.key) }
                content.durableNames.merge(content.names.filter { isInside($0.key) }) { $1 }
            }
        }
    }

    func rename(_ name: String, to other: String) throws(FirmwareError) {
        try change("rename \(name)") { content in
            content.names[other] = content.names.removeValue(forKey: name)
        }
    }

    func remove(_ name: String) throws(FirmwareError) {
        try change("remove \(name)") { content in content.names[name] = nil }
    }

    func makeFolder(_ name: String) throws(FirmwareError) { try change("make folder \(name)") { _ in } }

    func names(in folder: String) throws(FirmwareError) -> [String] {
        try access { content in
            .success(
                content.names.keys.filter { $0.hasPrefix("\(folder)/") }.map { String($0.dropFirst(folder.count + 1)) }
                    .sorted())
        }
    }

    func exclusively<Value>(_ body: () throws(RolloutError) -> Value) throws(RolloutError) -> Value { try body() }

    /// Changes octets behind everybody's back.
    func damage(_ name: String) {
        content.withLock { content in
            guard let number = content.names[name], let count = content.files[number]?.octets.count else { return }
            content.files[number]?.octets[count / 2] ^= 4
            content.files[number]?.durable[count / 2] ^= 4
        }
    }

    /// Names that are there.
    var names: [String] { content.withLock { $0.names.keys.sorted() } }
}

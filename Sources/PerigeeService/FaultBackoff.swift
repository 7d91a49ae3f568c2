import Glibc

/// Waits longer before each start while the disk fails again and again: 1, 2, 4 … 60 seconds. The count lies in the runtime
/// directory, which is in memory: a disk that fails cannot hold it.
public struct FaultBackoff: Sendable {
    private static let limitSeconds = 60
    private let path: String?

    /// Without a directory nothing is counted, and nobody waits.
    public init(directory: String?) { path = directory.map { "\($0)/storage-faults" } }

    /// Out of `RUNTIME_DIRECTORY`.
    public static func fromEnvironment() -> FaultBackoff {
        FaultBackoff(
            directory: getenv("RUNTIME_DIRECTORY").flatMap {
                String(cString: $0).split(separator: ":").first.map(String.init)
            })
    }

    /// Ends with a fault of the disk that nothing good came between.
    public var faults: Int {
        guard let path, let octets = SmallFile.read(path, limit: 16) else { return 0 }
        return max(Int(String(decoding: octets, as: UTF8.self)) ?? 0, 0)
    }

    /// What to wait before the disk is touched again.
    public var waitSeconds: Int { faults == 0 ? 0 : min(1 << min(faults - 1, 6), Self.limitSeconds) }

    /// Waits as long as `waitSeconds`; false where the process was asked to end meanwhile. Hold the signals first.
    public func wait(_ notifier: ServiceNotifier, _ log: ServiceLog) -> Bool {
        let (faults, seconds) = (faults, waitSeconds)
        guard seconds > 0 else { return true }
        log.write(
            .warning, "storage_backoff",
            [
                "faults": "\(faults)", "seconds": "\(seconds)",
                "remedy": "see why the disk fails; then restart the service",
            ])
        for left in stride(from: seconds, to: 0, by: -1) {
            notifier.extendTimeout(seconds: 60, status: "the disk failed \(faults) times, trying again in \(left) s")
            if let signal = ServiceSignals.wait(seconds: 1), ![SIGHUP, SIGUSR1].contains(signal) { return false }
        }
        return true
    }

    /// The process ends because of the disk.
    public func noteFault() {
        guard let path else { return }
        // what cannot be counted is a start without waiting
        _ = SmallFile.write(Array("\(min(faults + 1, 1_000))".utf8), to: path)
    }

    /// The disk works again.
    public func clear() {
        guard let path else { return }
        unlink(path)
    }
}

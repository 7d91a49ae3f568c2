import Glibc
import PerigeeCommandLine
import PerigeeConfig
import PerigeeTransport

/// Is the disk of the spool fast and large enough?
enum DiskLook {
    private static let rounds = 20
    private static let slowMilliseconds = 100.0
    private static let badMilliseconds = 2_000.0

    /// Every commit of the spool waits for one: with 250 ms of frames to a commit, a slow one is felt at once.
    static func syncTime(_ folder: String) -> Finding {
        let path = "\(folder)/.doctor-\(getpid())"
        guard InstallationFolders.isFolder(folder) else {
            return .unknown("fsync", "there is no \(folder) yet", "look again after the daemon's first start")
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            return .unknown(
                "fsync", "\(folder) cannot be written: \(String(cString: strerror(errno)))",
                "run it as the user of the daemon: `sudo -u perigee perigee doctor`")
        }
        unlink(path)
        defer { close(descriptor) }
        let page = [UInt8](repeating: 0x50, count: 4_096)
        var times: [Double] = []
        for _ in 0..<rounds {
            let start = monotonicTime()
            guard write(descriptor, page, page.count) == page.count, fdatasync(descriptor) == 0 else {
                return .bad(
                    "fsync", "writing into \(folder) fails: \(String(cString: strerror(errno)))",
                    "look at the disk with `dmesg` and `df -h \(folder)`")
            }
            times.append((monotonicTime() - start) * 1_000)
        }
        times.sort()
        let text =
            "in \(folder) half of \(rounds) take less than \(Table.number(times[rounds / 2], digits: 1)) ms, the slowest "
            + "\(Table.number(times[rounds - 1], digits: 1)) ms"
        if times[rounds / 2] > badMilliseconds {
            return .bad("fsync", text, "put [spool] directory on another disk: frames wait for this one")
        }
        if times[rounds / 2] > slowMilliseconds {
            return .warning("fsync", text, "put [spool] directory on a faster disk, such as an SSD")
        }
        return .good("fsync", text)
    }

    private static func monotonicTime() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
    }

    /// Quota, ballast and rings, less what the spool has taken already, must be free.
    static func space(_ spool: StationConfiguration.Spool) -> Finding {
        var folder = spool.directory
        while !InstallationFolders.isFolder(folder), let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
            folder = String(folder[..<slash])
        }
        var system = statvfs()
        guard statvfs(folder, &system) == 0 else {
            return .unknown(
                "disk", "\(folder) cannot be looked at: \(String(cString: strerror(errno)))", "run it as root")
        }
        let free = Int(clamping: UInt64(system.f_bavail) &* UInt64(system.f_frsize))
        let taken = ["spool.db", "spool.db-wal", "ballast"].reduce(0) {
            $0 + FileOctets.size("\(spool.directory)/\($1)")
        }
        let most = spool.quota + spool.ballast + spool.sentRing + spool.finerRing + spool.rawRing
        let text =
            "\(Amount.octets(free)) free for \(folder), the spool may grow by \(Amount.octets(max(most - taken, 0))) to "
            + Amount.octets(most)
        if free < max(most - taken, 0) {
            let isBad = free < spool.ballast
            let remedy = "make room, or lower [spool] quota_bytes and the rings"
            return isBad ? .bad("disk", text, remedy) : .warning("disk", text, remedy)
        }
        return .good("disk", text)
    }
}

import CLinux
import Glibc

/// What the system says of this process and its machine. Nil where it does not tell.
public struct SystemState: Equatable, Sendable {
    /// The clock is kept in time.
    public var isClockSynchronised: Bool?
    /// Octets of resident memory.
    public var memory: Int?
    /// Octets that a file system has left for this user.
    public var diskFree: Int?

    /// Nothing is known.
    public init() {}

    /// What it is now. `folder`: of the file system that `diskFree` is about.
    public static func read(folder: String) -> SystemState {
        var state = SystemState()
        state.isClockSynchronised = clock()
        state.memory = residentMemory()
        state.diskFree = free(folder)
        return state
    }

    /// The kernel's word; a sandbox may hide it, then the mark that systemd-timesyncd leaves.
    private static func clock() -> Bool? {
        let answer = perigee_clock_is_synchronised()
        if answer >= 0 { return answer == 1 }
        return access("/run/systemd/timesync/synchronized", F_OK) == 0 ? true : nil
    }

    private static func residentMemory() -> Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = Glibc.read(file, &buffer, buffer.count)
        let words = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self).split(separator: " ")
        return words.count > 1 ? Int(words[1]).map { $0 * sysconf(Int32(_SC_PAGESIZE)) } : nil
    }

    private static func free(_ folder: String) -> Int? {
        var state = statvfs()
        guard statvfs(folder, &state) == 0 else { return nil }
        let (size, isTooLarge) = Int(clamping: state.f_bavail).multipliedReportingOverflow(by: Int(state.f_frsize))
        return isTooLarge ? Int.max : size
    }
}

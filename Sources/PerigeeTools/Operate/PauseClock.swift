import Glibc

/// Waiting for others, in steps between which a signal is looked at.
enum PauseClock {
    static func wait(milliseconds: Int) { usleep(UInt32(milliseconds) * 1_000) }
}

internal import Glibc
internal import PerigeeConcurrency
internal import PerigeeCore
public import PerigeeLink

/// What the clocks say now, as the machines of a link want it.
public func currentTime() -> LinkTime {
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    return LinkTime(
        monotonic: Int64(monotonicNanoseconds() / 1_000_000),
        utc: Timestamp(milliseconds: Int64(wall.tv_sec) * 1_000 + Int64(wall.tv_nsec) / 1_000_000))
}

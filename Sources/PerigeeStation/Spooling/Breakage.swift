#if PERIGEE_BROKEN
    import Glibc
#endif

/// What a deliberately broken build leaves out: the fault bench must notice it (Docs/decisions/0023-faults.md). Never in a release.
enum Breakage {
    #if PERIGEE_BROKEN
        static let leavesOutTombstones = getenv("PERIGEE_BREAK").map { String(cString: $0) } == "no-tombstone"
    #else
        static let leavesOutTombstones = false
    #endif
}

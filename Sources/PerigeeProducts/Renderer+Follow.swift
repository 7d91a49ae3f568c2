import Glibc

extension Renderer {
    /// Renders what comes, until `isStopped` says so: a pass each `intervalMilliseconds`. Waits for an archive that is not
    /// there yet. `passed` hears of each pass that looked at a frame.
    public static func follow(
        _ options: RenderOptions, intervalMilliseconds: Int = 1_000, isStopped: () -> Bool,
        report: (RenderEvent) -> Void, passed: (RenderSummary) -> Void = { _ in }
    ) throws(RenderError) {
        while access("\(options.archiveDirectory)/index.sqlite", R_OK) != 0 {
            guard wait(intervalMilliseconds, isStopped) else { return }
        }
        var renderer = try Renderer(options)
        repeat {
            let summary = try renderer.pass(isStopped: isStopped, report: report)
            if summary.frames > 0 { passed(summary) }
        } while wait(intervalMilliseconds, isStopped)
    }

    /// Sleeps in slices, so that a stop is seen soon; false where it was asked for.
    private static func wait(_ milliseconds: Int, _ isStopped: () -> Bool) -> Bool {
        var left = max(milliseconds, 1)
        while left > 0, !isStopped() {
            let slice = min(left, 100)
            usleep(UInt32(slice * 1_000))
            left -= slice
        }
        return !isStopped()
    }
}

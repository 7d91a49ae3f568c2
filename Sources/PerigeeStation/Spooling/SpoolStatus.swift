import PerigeeCore
import PerigeeSpool

/// What the spool's thread tells of itself, for the status and for whoever decides whether the process can go on.
struct SpoolStatus: Sendable {
    /// The epoch that new frames join.
    var epoch: Epoch
    /// What the link serves now.
    var served: SpoolState?
    var commits = 0
    var lastCommitMilliseconds: Int64 = 0
    /// When the commit began that has not ended, on the monotonic clock.
    var commitStarted: Int64?
    /// Epochs that were begun because the gateway had another history.
    var forks = 0
    /// Why the spool can do nothing more in this process.
    var failure: SpoolError?
}

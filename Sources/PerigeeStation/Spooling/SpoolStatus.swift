import PerigeeCore
import PerigeeSpool

/// What the spool's thread tells of itself, for the status and for whoever decides whether the process can go on.
struct SpoolStatus: Sendable {
    /// The epoch that new frames join.
    var epoch: Epoch
    /// What the link serves now.
    var served: SpoolState?
    /// Octets that count against the quota, as of the last commit, and the quota.
    var used = 0
    var quota = 0
    /// How often the disk was full.
    var fullErrors = 0
    /// Epochs that opening the spool began, though it was not new.
    var newEpochs = 0
    var commits = 0
    var lastCommitMilliseconds: Int64 = 0
    /// When the work began that has not ended, on the monotonic clock; nil while it waits for some.
    var busySince: Int64?
    /// The disk was full, and nothing was committed since.
    var isFull = false
    /// Epochs that were begun because the gateway had another history.
    var forks = 0
    /// Why the spool can do nothing more in this process.
    var failure: SpoolError?
}

/// Limits of a spool. Sizes are octets, ages seconds that the station ran.
public struct SpoolConfiguration: Equatable, Sendable {
    /// Smallest quota that a spool accepts.
    public static let smallestQuota = 1 << 20

    /// What unsettled packets may take of the disk, with 64 octets more for each packet and 96 for each frame.
    public var quota = 1 << 30
    /// The part of the quota that only classes 0 and 1 may use.
    public var reserved = 64 << 20
    /// A file that is removed when the disk is full, so that there is room to drop something. 0 for none.
    public var ballast = 32 << 20
    /// Ring of sent packets, for replay.
    public var sentRing = 64 << 20
    /// Ring of finer layers that were not sent, for refinement.
    public var finerRing = 256 << 20
    /// Ring of raw frames.
    public var rawRing = 256 << 20
    /// Age at which the rings forget.
    public var ringAge = 7 * 86_400
    /// Age at which packets of classes 1 to 3 are given up; nil for never.
    public var expiry: Int?
    /// Refused and damaged packets that are kept to be looked at; the oldest go first.
    public var quarantine = 16 << 20
    /// Files that were set aside as damaged and are kept.
    public var setAsideFiles = 2

    /// A smaller page limit, so that tests meet a full file.
    package var pageLimitForTests: Int?

    /// The limits of a station that sets none.
    public init() {}

    /// Pages of the file at most: quota and rings with what the tables need beside them. SQLite refuses to go beyond.
    var pageLimit: Int {
        if let pageLimitForTests { return pageLimitForTests }
        let payload = quota + sentRing + finerRing + rawRing + quarantine
        return (payload + payload / 8 + (16 << 20)) / Schema.pageSize
    }
}

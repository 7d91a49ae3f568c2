public import PerigeeCore
public import PerigeeFirmware

/// What lies in the two slots, which bundle serves, and what is being tried: a pure value that changes by its functions alone.
/// After each change it is made durable before anybody acts on it.
public struct SlotState: Equatable, Sendable {
    /// Starts of the program that a trial gets, time from its first frame, and frames after which it has passed.
    public static let startLimit = 3, secondLimit = 30 * 60, frameGoal = 50
    /// Failures that are remembered.
    static let failureLimit = 8

    /// Who a bundle is.
    public struct Release: Equatable, Sendable {
        /// What declarations name.
        public var id: UInt32
        public var name: String
        public var version: UInt64
        public var key: SigningKeyID

        /// A bundle by its manifest and the key that signed it.
        public init(id: UInt32, name: String, version: UInt64, key: SigningKeyID) {
            self.id = id
            self.name = name
            self.version = version
            self.key = key
        }
    }

    /// What a slot holds.
    public enum Content: Equatable, Sendable {
        case empty
        /// Marked before the first octet is written: whatever lies there counts for nothing.
        case writing
        case ready(Release)
    }

    /// A bundle that has to show what it can.
    public struct Trial: Equatable, Sendable {
        public var slot: Slot
        public var starts = 0
        /// Since the first frame, over all starts.
        public var seconds = 0
        public var frames = 0

        package init(slot: Slot, starts: Int = 0, seconds: Int = 0, frames: Int = 0) {
            self.slot = slot
            self.starts = starts
            self.seconds = seconds
            self.frames = frames
        }
    }

    /// A bundle that did not stay.
    public struct Failure: Equatable, Sendable {
        public var release: Release
        public var reason: String
        public var time: Timestamp
    }

    /// What serves where nothing is tried.
    public internal(set) var active = BundleSource.package
    /// What served before, for a return by hand.
    public internal(set) var previous: BundleSource?
    public internal(set) var contents: [Slot: Content] = [.a: .empty, .b: .empty]
    public internal(set) var trial: Trial?
    /// The highest version that was kept, of each key: none of that key's older ones is taken again.
    public internal(set) var accepted: [SigningKeyID: UInt64] = [:]
    /// The latest last.
    public internal(set) var failures: [Failure] = []

    /// Nothing is installed.
    public init() {}

    /// The bundle in a slot; nil where none is complete there.
    public func release(_ slot: Slot) -> Release? {
        if case .ready(let release)? = contents[slot] { release } else { nil }
    }

    /// What the next start uses.
    public var current: BundleSource { trial.map { .slot($0.slot) } ?? active }

    /// Whether a bundle may be installed.
    func check(_ release: Release, allowsDowngrade: Bool) throws(RolloutError) {
        if let trial, let tried = self.release(trial.slot) {
            throw .trialRunning(version: tried.version)
        }
        if let highest = accepted[release.key], release.version < highest, !allowsDowngrade {
            throw .older(version: release.version, accepted: highest, key: release.key)
        }
    }

    /// Gives up what lies in the slot that serves nobody, and names it.
    package mutating func beginWriting() -> Slot {
        let slot: Slot =
            switch active {
            case .slot(let serving): serving.other
            case .package: previous == .slot(.a) ? .b : .a
            }
        if previous == .slot(slot) { previous = nil }
        contents[slot] = .writing
        return slot
    }

    package mutating func finishWriting(_ slot: Slot, _ release: Release) { contents[slot] = .ready(release) }

    /// The slot with a bundle that does not serve; nil where there is none.
    var waiting: Slot? { Slot.allCases.first { release($0) != nil && active != .slot($0) } }

    /// From the next start on the slot is tried.
    package mutating func beginTrial(_ slot: Slot) { trial = Trial(slot: slot) }

    /// The program starts: counts it against a trial. False where the trial has had its starts; it has failed then.
    package mutating func start(_ time: Timestamp) -> Bool {
        guard let trial else { return true }
        guard trial.starts < Self.startLimit else {
            failTrial("not confirmed after \(Self.startLimit) starts", time)
            return false
        }
        self.trial?.starts += 1
        return true
    }

    /// What a trial has come to.
    public enum Verdict: Equatable, Sendable {
        case undecided
        case passed
        case failed(reason: String)
    }

    /// Judges what was seen since the start: frames encoded and failed, and seconds from the first frame on.
    public static func judge(_ trial: Trial, frames: Int, failures: Int, seconds: Int) -> Verdict {
        if failures > 0 { return .failed(reason: "\(failures) of \(frames + failures) frames could not be encoded") }
        if trial.frames + frames >= frameGoal { return .passed }
        if trial.seconds + seconds >= secondLimit {
            return .failed(
                reason:
                    "\(trial.frames + frames) frames in \(secondLimit / 60) minutes, \(frameGoal) would have confirmed it"
            )
        }
        return .undecided
    }

    /// The trial was good: its bundle serves from now on.
    package mutating func commitTrial() {
        guard let trial, let release = release(trial.slot) else { return }
        previous = active
        active = .slot(trial.slot)
        accepted[release.key] = max(accepted[release.key] ?? 0, release.version)
        self.trial = nil
    }

    /// The trial was not good: what served before goes on.
    package mutating func failTrial(_ reason: String, _ time: Timestamp) {
        guard let trial else { return }
        self.trial = nil
        drop(trial.slot, reason, time)
    }

    /// What serves cannot be read any more: what served before does, or else what came with the program.
    package mutating func giveUpActive(_ reason: String, _ time: Timestamp) {
        guard case .slot(let slot) = active else { return }
        drop(slot, reason, time)
        active = usablePrevious ?? .package
        previous = nil
    }

    /// Goes back by hand: ends a trial, or lets serve what served before.
    package mutating func goBack(_ time: Timestamp) throws(RolloutError) {
        if trial != nil { return failTrial("taken back by hand", time) }
        guard let back = usablePrevious else { throw .noPrevious }
        previous = active
        active = back
    }

    private var usablePrevious: BundleSource? {
        if case .slot(let slot)? = previous, release(slot) == nil { return nil }
        return previous
    }

    private mutating func drop(_ slot: Slot, _ reason: String, _ time: Timestamp) {
        if let release = release(slot) {
            failures.append(Failure(release: release, reason: reason, time: time))
            failures.removeFirst(max(0, failures.count - Self.failureLimit))
        }
        contents[slot] = .empty
    }
}

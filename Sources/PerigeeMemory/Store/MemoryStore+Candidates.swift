import PerigeeCore
import PerigeeSQLite

extension MemoryStore {
    /// The best entries for a frame, with all that they are decoded from.
    func candidates(_ position: FramePosition, time: Timestamp?, limit: Int) throws(SQLiteError) -> MemoryCandidates {
        let area = Double(position.key.area)
        let ranked = try search(position).filter { $0.nameable > 0 }
            .map { found in
                (
                    found,
                    CandidateScore(
                        frame: UInt64(clamping: found.id), overlap: Double(found.box.overlap(position.key)) / area,
                        clearShare: found.clearShare, ratio: found.ratio, gapMilliseconds: Self.gap(found.time, time))
                )
            }
            .sorted { $0.1 < $1.1 }
        var answer = MemoryCandidates()
        for (found, score) in ranked where answer.ranked.count < limit {
            guard let entry = try checked(found.id, position) else { continue }
            var chain: [UInt64: RememberedFrame] = [:]
            guard try gather(entry, into: &chain) else { continue }
            answer.frames.merge(chain) { first, _ in first }
            answer.ranked.append(
                MemoryCandidates.Candidate(
                    reference: MemoryReference(frame: entry.frame.frame, layers: entry.nameable), score: score.value,
                    depth: entry.depth))
        }
        return answer
    }

    /// The frame with all that it is decoded from, for the far end that asks for its layers; nil where memory lacks any.
    func chain(of frame: UInt64) throws(SQLiteError) -> [UInt64: RememberedFrame]? {
        guard let entry = try load(Int64(clamping: frame)) else { return nil }
        var chain: [UInt64: RememberedFrame] = [:]
        return try gather(entry, into: &chain) ? chain : nil
    }

    /// Whether a key that is not too old, or will be one, covers most of a frame in its season.
    func hasKey(_ position: FramePosition, time: Timestamp?) throws(SQLiteError) -> Bool {
        let area = Double(position.key.area)
        for found in try search(position) where Double(found.box.overlap(position.key)) >= Self.keyOverlap * area {
            if let time, let its = found.time {
                guard Retention.season(time) == Retention.season(its) else { continue }
                guard let gap = Self.gap(time, its), gap < retention.seasonAge / 2 else { continue }
            }
            if let entry = try load(found.id), entry.willBeKey { return true }
        }
        return false
    }

    /// Share of a frame that a key covers at least.
    private static let keyOverlap = 0.9

    /// An entry that really lies there.
    private func checked(_ id: Int64, _ position: FramePosition) throws(SQLiteError) -> MemoryEntry? {
        guard let entry = try load(id), entry.nameable > 0 else { return nil }
        let frame = entry.frame
        let found = try? FramePosition(sensor: frame.sensor, declaration: frame.declaration, metadata: frame.metadata)
        guard let found, found.plane == position.plane, found.place == position.place,
            found.box.overlap(position.box) > 0
        else { return nil }
        return entry
    }

    /// False where something below it is gone: the entry is worth nothing then, and goes.
    private func gather(
        _ entry: MemoryEntry, into chain: inout [UInt64: RememberedFrame]
    ) throws(SQLiteError) -> Bool {
        chain[entry.frame.frame] = entry.remembered
        for reference in entry.frame.references where chain[reference.frame] == nil {
            guard let below = try load(Int64(clamping: reference.frame)), below.usable >= reference.layers,
                below.depth < entry.depth, try gather(below, into: &chain)
            else {
                counts.forgotten += try removeWithDependents(entry.id)
                return false
            }
        }
        return true
    }

    private static func gap(_ time: Timestamp?, _ other: Timestamp?) -> Int64? {
        guard let time, let other else { return nil }
        let (gap, overflow) = other.milliseconds.subtractingReportingOverflow(time.milliseconds)
        return overflow || gap == .min ? .max : abs(gap)
    }
}

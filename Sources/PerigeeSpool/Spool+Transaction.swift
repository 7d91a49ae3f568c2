internal import PerigeeCore
internal import PerigeeSQLite

/// A change of the open transaction, as it can be made again.
enum SpoolOperation: Sendable {
    case append(SpoolFrame)
    case settle(Epoch, cumulative: UInt64, ranges: [Range<UInt64>])
    case setAside(Epoch, number: UInt64, reason: String, TombstoneReason)
    case drop(DropRule)
    case bury(Epoch, Tombstone)
    case refine(Epoch, frame: UInt64, layers: Int, priority: Int)
    case extend(RefinedLayers)
    case commit(IntakeTotals, [SourceMark])
}

/// Layers of a frame that were made anew from its raw samples: their packets by layer, from layer `first` on.
struct RefinedLayers: Sendable {
    var epoch: Epoch
    var frame: UInt64
    var first: Int
    var packets: [[[UInt8]]]
    var priority: Int
}

extension Spool {
    /// Makes one change within the open transaction, which begins with it where there is none.
    mutating func change(
        _ operation: SpoolOperation, _ body: (inout Spool) throws(SQLiteError) -> Void
    ) throws(SpoolError) {
        guard !isBroken else { throw .failedBefore(path: directory) }
        if mustReplay { try replay() }
        do throws(SQLiteError) {
            try begin()
            try body(&self)
        } catch {
            try undo(error)
            // The disk was full, and now there is room: once more, from the beginning of the transaction.
            try replay()
            do throws(SQLiteError) {
                try begin()
                try body(&self)
            } catch {
                try undo(error)
                throw .full(path: directory)
            }
        }
        operations.append(operation)
    }

    private mutating func begin() throws(SQLiteError) {
        guard !isChanging else { return }
        if states == nil { states = try readStates() }
        try file.execute("BEGIN IMMEDIATE")
        isChanging = true
    }

    mutating func commitChanges() throws(SpoolError) {
        do throws(SQLiteError) { try endTransaction() } catch {
            try failCommit(error)
            try replay()
            do throws(SQLiteError) { try endTransaction() } catch {
                try failCommit(error)
                throw .full(path: directory)
            }
        }
        try boundLog()
    }

    /// Writes what memory holds, and commits.
    private mutating func endTransaction() throws(SQLiteError) {
        guard isChanging else { return }
        try writeMemory()
        try file.execute("COMMIT")
        isChanging = false
        committed = memory
        operations = []
        states = nil
    }

    /// A failed commit: known to be undone where the disk was full, else of unknown fate.
    private mutating func failCommit(_ error: SQLiteError) throws(SpoolError) {
        switch error.kind {
        case .full, .damaged: try undo(error)
        case .io, .other:
            isBroken = true
            throw .unknownFate(error)
        }
    }

    /// Puts memory and file back to the last commit. Returns where room could be made on a full disk.
    private mutating func undo(_ error: SQLiteError) throws(SpoolError) {
        if file.isInTransaction { try? file.execute("ROLLBACK") }
        isChanging = false
        let clock = memory.clock
        memory = committed
        memory.clock = clock
        states = nil
        switch error.kind {
        case .full:
            mustReplay = true
            try relieve()
        case .damaged:
            isBroken = true
            DamageMark.write(directory, reason: "\(error)")
            throw .damaged(error)
        case .io, .other:
            isBroken = true
            throw .database(error)
        }
    }

    /// Makes the changes of the undone transaction again.
    private mutating func replay() throws(SpoolError) {
        do throws(SQLiteError) {
            try begin()
            for operation in operations { try perform(operation) }
            mustReplay = false
        } catch {
            try undo(error)
            throw .full(path: directory)
        }
    }

    private mutating func perform(_ operation: SpoolOperation) throws(SQLiteError) {
        switch operation {
        case .append(let frame): _ = try insert(frame)
        case .settle(let epoch, let cumulative, let ranges):
            _ = try settleRows(epoch, cumulative: cumulative, ranges: ranges)
        case .setAside(let epoch, let number, let reason, let tombstone):
            _ = try quarantine(epoch, number: number, reason: reason, tombstone)
        case .drop(let rule): _ = try drop(rule)
        case .bury(let epoch, let tombstone): try insert(tombstone, epoch)
        case .refine(let epoch, let frame, let layers, let priority):
            _ = try insertFiner(epoch, frame: frame, layers: layers, priority: priority)
        case .extend(let layers): _ = try insert(layers)
        case .commit(let intake, let sources): try write(intake: intake, sources: sources)
        }
    }
}

/// What a failure means for the spool.
enum FailureKind {
    case full, damaged, io, other
}

extension SQLiteError {
    /// SQLITE_IOERR_READ
    var isReadFailure: Bool { if case .call(_, _, 266, _) = self { true } else { false } }

    var kind: FailureKind {
        switch self {
        case .call(_, _, let code, _):
            switch code {
            // SQLITE_IOERR_READ, _SHORT_READ, _CORRUPTFS, _DATA: the octets are there no more
            case 266, 522, 8_458, 8_202: .damaged
            default:
                switch code & 0xFF {
                // 19: a key that is there already, though the counter says it is not
                case 11, 19, 26: .damaged
                case 13: .full
                case 10: .io
                default: .other
                }
            }
        }
    }
}

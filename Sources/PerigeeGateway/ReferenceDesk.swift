internal import PerigeeArchive
internal import PerigeeCore
internal import PerigeeMemory

/// Looks at each frame that is filed, and keeps in `waiting.sqlite` which of them wait for others. It belongs to the thread of wants.
struct ReferenceDesk: ~Copyable {
    /// Frames looked at in one turn.
    private static let turnLimit = 500

    private var predictions: PredictionReader
    private let table: WaitingTable
    private var book: ReferenceBook
    private var cursor: Int64
    /// Whether more is to be looked at soon.
    private(set) var hasMore = false

    /// Begins where the last process ended, with the frames that waited then.
    init(_ directory: String) throws(ArchiveError) {
        let predictions = try PredictionReader(directory)
        let table = try WaitingTable(directory)
        let cursor = try table.seen(in: predictions)
        let rows = try table.frames()
        let replaced = try table.replaced()
        self.predictions = predictions
        self.table = table
        self.cursor = cursor
        let frames = rows.map { (FrameName($0), WaitingFrames.Frame($0)) }
        let names = replaced.map {
            FrameName(key: EpochKey(station: $0.station, epoch: $0.epoch), number: $0.number)
        }
        book = ReferenceBook(Dictionary(frames) { first, _ in first }, replaced: Set(names))
    }

    /// How many frames wait, and what became of others.
    var counts: ReferenceCounts { book.counts }

    /// Takes what became of wants and what is new in the archive.
    mutating func turn(_ ledger: WantLedger) throws(ArchiveError) -> ReferenceBook.Findings {
        let found = try predictions.changed(after: cursor, limit: Self.turnLimit)
        let findings = try book.turn(ledger, filed: found.frames) { (name: FrameName) throws(ArchiveError) in
            try predictions.frame(station: name.key.station, epoch: name.key.epoch, number: name.number)
        }
        for name in findings.replaced {
            try table.replace(station: name.key.station, epoch: name.key.epoch, number: name.number)
        }
        for (name, frame) in findings.changes {
            if let frame {
                try table.write(WaitingFrame(name, frame))
            } else {
                try table.remove(station: name.key.station, epoch: name.key.epoch, number: name.number)
            }
        }
        hasMore = found.cursor > cursor || book.hasMore
        if found.cursor > cursor {
            cursor = found.cursor
            try table.see(cursor, in: predictions)
        }
        return findings
    }
}

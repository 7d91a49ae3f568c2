internal import PerigeeCore

/// SQLite's write-ahead log, whose checksums chain: where one frame is damaged, SQLite forgets it and all commits behind it. Here a single
/// flipped bit is flipped back, and where more is gone the chain is closed again, so that only what the frame held is lost, and the
/// packet's own checksum finds that.
/// Source: SQLite's file format, "The Write-Ahead Log".
struct WriteAheadLog {
    static let headerSize = 32
    static let frameHeaderSize = 24
    static let frameSize = frameHeaderSize + Schema.pageSize
    /// Checksums over words as this machine has them, low octet first.
    private static let magic: UInt32 = 0x377F_0682

    var octets: [UInt8]
    private var salts: UInt64 = 0
    private var isHeaderWhole = false
    private let count: Int
    /// Frames and header of which a bit was flipped back.
    private var repaired = 0

    /// What is known of one frame.
    private struct Frame {
        /// Its salts are those of the log, and its page can be.
        var belongs: Bool
        /// Its checksum follows from that of the frame before it.
        var isWhole: Bool
        /// It was written whole, and is not any more.
        var isFlipped: Bool
        var isCommit: Bool
    }

    /// What mending did.
    struct Mending {
        var octets: [UInt8]
        /// Frames that were put right, the header among them.
        var frames: Int
        /// All of them hold what was written.
        var isComplete: Bool
        /// Frames behind the last commit that is sure: not mended, SQLite forgets them.
        var forgotten: Int
    }

    /// Nil where there is no log of this form.
    init?(_ octets: [UInt8]) {
        guard octets.count >= Self.headerSize + Self.frameSize else { return nil }
        self.octets = octets
        count = (octets.count - Self.headerSize) / Self.frameSize
        readHeader()
    }

    private mutating func readHeader() {
        switch repair([0..<24], seed: (0, 0), sum: 24) {
        case .whole: isHeaderWhole = bigWord(0) == Self.magic
        case .repaired:
            isHeaderWhole = bigWord(0) == Self.magic
            repaired = isHeaderWhole ? 1 : 0
        case .flipped, .broken: isHeaderWhole = false
        }
        let found = (0..<count).map { salts(at: Self.start($0) + 8) }
        // Without a header they are those that two neighbouring frames agree on; older frames only stand behind.
        let agreed = zip(found, found.dropFirst()).first { $0 == $1 && $0 != 0 }?.0
        salts = isHeaderWhole ? salts(at: 16) : agreed ?? 0
    }

    /// The log as it was written, as far as it can be told; nil where nothing is wrong with it. Frames behind a broken one that end no commit
    /// which is sure to have been synced are the rest of a write that a power cut stopped: told to nobody, rightly forgotten.
    mutating func mended() -> Mending? {
        let frames = examine()
        guard let end = frames.lastIndex(where: \.belongs) else { return nil }
        guard let broken = frames[0...end].firstIndex(where: { !$0.isWhole }) else {
            guard repaired > 0 || !isHeaderWhole else { return nil }
            let changed = repaired + (isHeaderWhole ? 0 : 1)
            close(frames, through: end)
            return Mending(octets: octets, frames: changed, isComplete: true, forgotten: 0)
        }
        let last = lastCommit(frames[0...end], broken: broken)
        let changed = last.map { frames[0...$0].count { !$0.isWhole } } ?? 0
        if let last { close(frames, through: last) }
        return Mending(
            octets: octets, frames: changed + repaired + (isHeaderWhole ? 0 : 1), isComplete: changed == 0,
            forgotten: end - (last ?? -1))
    }

    /// The last commit that is sure. One is where all its frames were written, or something behind it: SQLite begins no commit before
    /// the one ahead of it is synced. Nor does it write frames before the header is: a broken one was damaged later.
    private func lastCommit(_ frames: ArraySlice<Frame>, broken: Int) -> Int? {
        var last = frames[..<broken].lastIndex(where: \.isCommit)
        for index in frames.indices where index >= broken && frames[index].isCommit {
            let isWritten = frames[(last ?? -1) + 1...index].allSatisfy { $0.isWhole || $0.isFlipped }
            let behind = frames[(index + 1)...]
            let isFollowed = behind.first?.isWhole == true || behind.contains { $0.isWhole && $0.isCommit }
            guard isWritten || isFollowed || !isHeaderWhole else { break }
            last = index
        }
        return last
    }

    /// Checks all frames, and repairs those that are off by a bit.
    private mutating func examine() -> [Frame] {
        if !isHeaderWhole { writeHeader() }
        var sums = (bigWord(24), bigWord(28))
        return (0..<count).map { index in
            let start = Self.start(index)
            // Random salts of another time differ in far more.
            let isOurs = salts != 0 && (salts(at: start + 8) ^ salts).nonzeroBitCount <= 2
            var repair = Repair.broken
            if isOurs { repair = self.repair(Self.parts(index), seed: sums, sum: start + 16) }
            if repair == .flipped, isSumFlipped(index, seed: sums) { repair = .repaired }
            if repair == .whole, salts(at: start + 8) != salts { repair = .repaired }
            repaired += repair == .repaired ? 1 : 0
            sums = (bigWord(start + 16), bigWord(start + 20))
            let number = bigWord(start)
            return Frame(
                belongs: isOurs && number > 0 && number < 1 << 28, isWhole: repair == .whole || repair == .repaired,
                isFlipped: repair == .flipped, isCommit: isOurs && bigWord(start + 4) != 0)
        }
    }

    /// Whether it is the frame's sum that a bit flipped in, as the next frame tells: then it is put right.
    private mutating func isSumFlipped(_ index: Int, seed: (UInt32, UInt32)) -> Bool {
        guard index + 1 < count else { return false }
        let sums = checksum(Self.parts(index), seed: seed)
        let next = Self.start(index + 1) + 16
        guard checksum(Self.parts(index + 1), seed: sums) == (bigWord(next), bigWord(next + 4)) else { return false }
        write(sums.0, at: Self.start(index) + 16)
        write(sums.1, at: Self.start(index) + 20)
        return true
    }

    /// Closes the chain over the frames up to `last`.
    private mutating func close(_ frames: [Frame], through last: Int) {
        var sums = (bigWord(24), bigWord(28))
        for index in 0...last {
            if !frames[index].belongs {
                // Whose page it was is unknown: it repeats a later one, which changes nothing.
                copy(frames[...last].indices.first { $0 > index && frames[$0].belongs } ?? last, to: index)
            } else if !frames[index].isWhole, index < last {
                // Whether it ended a commit is unsure, and of no account where a later one holds.
                write(0, at: Self.start(index) + 4)
            }
            writeSalts(at: Self.start(index) + 8)
            sums = seal(index, seed: sums)
        }
    }

    private static func start(_ index: Int) -> Int { headerSize + index * frameSize }

    /// What of a frame its checksum covers.
    private static func parts(_ index: Int) -> [Range<Int>] {
        let page = start(index) + frameHeaderSize
        return [start(index)..<start(index) + 8, page..<page + Schema.pageSize]
    }

    private mutating func writeHeader() {
        for (place, value) in [(0, Self.magic), (4, 3_007_000), (8, UInt32(Schema.pageSize))] {
            write(value, at: place)
        }
        writeSalts(at: 16)
        let sums = checksum([0..<24], seed: (0, 0))
        write(sums.0, at: 24)
        write(sums.1, at: 28)
    }

    private mutating func writeSalts(at place: Int) {
        write(UInt32(truncatingIfNeeded: salts >> 32), at: place)
        write(UInt32(truncatingIfNeeded: salts), at: place + 4)
    }

    private mutating func copy(_ source: Int, to index: Int) {
        let from = Self.start(source)
        let start = Self.start(index)
        octets.replaceSubrange(start..<start + Self.frameSize, with: Array(octets[from..<from + Self.frameSize]))
        write(0, at: start + 4)
    }

    /// Writes the checksum that follows from `seed`, and answers it.
    private mutating func seal(_ index: Int, seed: (UInt32, UInt32)) -> (UInt32, UInt32) {
        let sums = checksum(Self.parts(index), seed: seed)
        write(sums.0, at: Self.start(index) + 16)
        write(sums.1, at: Self.start(index) + 20)
        return sums
    }

    mutating func write(_ value: UInt32, at place: Int) {
        for index in 0..<4 { octets[place + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32(index))) }
    }

    func bigWord(_ place: Int) -> UInt32 { octets[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }

    private func salts(at place: Int) -> UInt64 { UInt64(bigWord(place)) << 32 | UInt64(bigWord(place + 4)) }

    func checksum(_ parts: [Range<Int>], seed: (UInt32, UInt32)) -> (UInt32, UInt32) {
        parts.reduce(seed) { Self.checksum(octets[$1], seed: $0) }
    }

    private static func checksum(_ octets: ArraySlice<UInt8>, seed: (UInt32, UInt32)) -> (UInt32, UInt32) {
        octets.withUnsafeBytes { bytes in
            var (first, second) = seed
            for place in stride(from: 0, to: bytes.count &- 7, by: 8) {
                let low = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
                let high = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place &+ 4, as: UInt32.self))
                first = first &+ low &+ second
                second = second &+ high &+ first
            }
            return (first, second)
        }
    }
}

extension WriteAheadLog {
    /// Larger logs are left to SQLite: they do not come about, and reading them whole costs memory.
    private static let sizeLimit = 256 << 20

    /// Mends the log of a file, keeps what it was in `folder`, and makes it durable; nil where nothing is wrong with it.
    ///
    /// SQLite takes whole frames as committed, and so does everybody who is told. But what a process wrote and did not live to sync
    /// may stand in the cache only, or, after a sync that failed, seem to be synced: it is written once more and synced.
    static func mend(_ path: String, keeping folder: () throws(SpoolError) -> String) throws(SpoolError) -> Mending? {
        let log = path + "-wal"
        let size = SystemFiles.size(log)
        guard size > headerSize, size <= sizeLimit, let octets = SystemFiles.read(log, from: 0, count: size) else {
            return nil
        }
        var parsed = WriteAheadLog(octets)
        let mending = parsed?.mended()
        if mending != nil {
            let kept = try folder()
            try SystemFiles.write("\(kept)/\(SpoolOpening.databaseName)-wal", octets, times: 1)
            try SystemFiles.syncDirectory(kept)
        }
        let directory = String(path.dropLast(SpoolOpening.databaseName.count + 1))
        if let mending, mending.frames > 0 {
            try SystemFiles.replace(log, with: mending.octets, directory: directory)
        } else {
            try SystemFiles.overwrite(log, octets, at: 0)
            try SystemFiles.syncDirectory(directory)
        }
        return mending
    }
}

internal import PerigeeCore

/// SQLite's write-ahead log, whose checksums chain: where one frame is damaged, SQLite forgets it and all commits behind it. Here the
/// chain is closed again, so that only what the frame held is lost, and the packet's own checksum finds that.
/// Source: SQLite's file format, "The Write-Ahead Log".
struct WriteAheadLog {
    private static let headerSize = 32
    private static let frameHeaderSize = 24
    private static let frameSize = frameHeaderSize + Schema.pageSize
    /// Checksums over words as this machine has them, low octet first.
    private static let magic: UInt32 = 0x377F_0682

    private var octets: [UInt8]
    private let salts: UInt64
    private let isHeaderWhole: Bool
    private let count: Int

    /// What is known of one frame.
    private struct Frame {
        /// Its salts are those of the log, and its page can be.
        var belongs: Bool
        /// Its checksum follows from that of the frame before it.
        var isWhole: Bool
        var isCommit: Bool
    }

    /// Nil where there is no log of this form.
    init?(_ octets: [UInt8]) {
        guard octets.count >= Self.headerSize + Self.frameSize else { return nil }
        self.octets = octets
        count = (octets.count - Self.headerSize) / Self.frameSize
        let sums = Self.checksum(octets[0..<24], seed: (0, 0))
        isHeaderWhole =
            Self.bigWord(octets, 0) == Self.magic && sums.0 == Self.bigWord(octets, 24)
            && sums.1 == Self.bigWord(octets, 28)
        let places = [16] + (0..<count).map { Self.headerSize + $0 * Self.frameSize + 8 }
        let found = places.map { Self.salts(octets, $0) }
        // Without a header they are those that two neighbouring frames agree on; older frames only stand behind.
        let agreed = zip(found.dropFirst(), found.dropFirst(2)).first { $0 == $1 && $0 != 0 }?.0
        salts = isHeaderWhole ? found[0] : agreed ?? 0
    }

    /// The log with its chain closed, and how many frames were put right; nil where there is nothing to mend. Frames behind a broken one
    /// that end no second commit are the rest of a write that a power cut stopped: never synced, told to nobody, rightly forgotten.
    func mended() -> (octets: [UInt8], frames: Int)? {
        let frames = (0..<count).map(frame)
        guard let broken = isHeaderWhole ? frames.firstIndex(where: { !$0.isWhole }) : 0 else { return nil }
        let commits = frames.indices.filter { $0 >= broken && frames[$0].isWhole && frames[$0].isCommit }
        guard let last = commits.last, commits.count >= 2 else { return nil }
        var mended = self
        mended.writeHeader()
        var sums = Self.checksum(mended.octets[0..<24], seed: (0, 0))
        var changed = 0
        for index in 0...last {
            if !frames[index].belongs {
                // Whose page it was is unknown: it repeats a later one, which changes nothing.
                guard let source = frames.indices.first(where: { $0 > index && frames[$0].isWhole }) else { return nil }
                mended.copy(source, to: index)
            }
            changed += frames[index].isWhole ? 0 : 1
            sums = mended.seal(index, seed: sums)
        }
        return (mended.octets, changed)
    }

    private func frame(_ index: Int) -> Frame {
        let start = Self.headerSize + index * Self.frameSize
        let number = Self.bigWord(octets, start)
        let belongs = Self.salts(octets, start + 8) == salts && number > 0 && number < 1 << 28
        let seed = index == 0 ? 24 : start - Self.frameSize + 16
        let sums = sum(index, seed: (Self.bigWord(octets, seed), Self.bigWord(octets, seed + 4)))
        let isWhole =
            belongs && sums.0 == Self.bigWord(octets, start + 16) && sums.1 == Self.bigWord(octets, start + 20)
        return Frame(belongs: belongs, isWhole: isWhole, isCommit: Self.bigWord(octets, start + 4) != 0)
    }

    private func sum(_ index: Int, seed: (UInt32, UInt32)) -> (UInt32, UInt32) {
        let start = Self.headerSize + index * Self.frameSize
        let page = start + Self.frameHeaderSize
        return Self.checksum(
            octets[page..<page + Schema.pageSize], seed: Self.checksum(octets[start..<start + 8], seed: seed))
    }

    private mutating func writeHeader() {
        for (place, value) in [(0, Self.magic), (4, 3_007_000), (8, UInt32(Schema.pageSize))] {
            write(value, at: place)
        }
        for index in 0..<8 { octets[16 + index] = UInt8(truncatingIfNeeded: salts >> (56 - 8 * UInt64(index))) }
        let sums = Self.checksum(octets[0..<24], seed: (0, 0))
        write(sums.0, at: 24)
        write(sums.1, at: 28)
    }

    private mutating func copy(_ source: Int, to index: Int) {
        let from = Self.headerSize + source * Self.frameSize
        let start = Self.headerSize + index * Self.frameSize
        octets.replaceSubrange(start..<start + Self.frameSize, with: Array(octets[from..<from + Self.frameSize]))
        write(0, at: start + 4)
    }

    /// Writes the checksum that follows from `seed`, and answers it.
    private mutating func seal(_ index: Int, seed: (UInt32, UInt32)) -> (UInt32, UInt32) {
        let start = Self.headerSize + index * Self.frameSize
        let sums = sum(index, seed: seed)
        write(sums.0, at: start + 16)
        write(sums.1, at: start + 20)
        return sums
    }

    private mutating func write(_ value: UInt32, at place: Int) {
        for index in 0..<4 { octets[place + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32(index))) }
    }

    private static func bigWord(_ octets: [UInt8], _ place: Int) -> UInt32 {
        octets[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func salts(_ octets: [UInt8], _ place: Int) -> UInt64 {
        octets[place..<place + 8].reduce(0) { $0 << 8 | UInt64($1) }
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

    /// Mends the log of a file, and keeps what it was in `folder`; answers how many frames were put right.
    static func mend(_ path: String, keeping folder: () throws(SpoolError) -> String) throws(SpoolError) -> Int? {
        let log = path + "-wal"
        let size = SystemFiles.size(log)
        guard size > headerSize, size <= sizeLimit, let octets = SystemFiles.read(log, from: 0, count: size),
            let (mended, frames) = WriteAheadLog(octets)?.mended()
        else { return nil }
        let kept = try folder()
        try SystemFiles.write("\(kept)/\(SpoolOpening.databaseName)-wal", octets, times: 1)
        try SystemFiles.syncDirectory(kept)
        let directory = String(path.dropLast(SpoolOpening.databaseName.count + 1))
        try SystemFiles.replace(log, with: mended, directory: directory)
        return frames
    }
}

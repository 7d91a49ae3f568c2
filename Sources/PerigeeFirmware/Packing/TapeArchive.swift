/// A tar archive of one shape only (POSIX ustar): regular files with plain names, every other field fixed, two blocks of
/// zeros at its end and nothing behind. The same files give the same octets, and `tar` reads them.
enum TapeArchive {
    static let blockSize = 512
    private static let nameSize = 100

    /// One file in an archive.
    struct Entry: Equatable {
        let name: String
        /// Where its octets lie.
        let range: Range<Int>
    }

    /// Octets of an archive of files of these sizes.
    static func size(_ sizes: [Int]) -> Int {
        sizes.reduce(2 * blockSize) { $0 + blockSize + padded($1) }
    }

    /// The archive of these files. Names have 1 to 64 octets, as those of a bundle.
    static func pack(_ files: [(name: String, octets: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size(files.map(\.octets.count)))
        for file in files {
            bytes += header(file.name, size: file.octets.count)
            bytes += file.octets
            bytes += [UInt8](repeating: 0, count: padded(file.octets.count) - file.octets.count)
        }
        return bytes + [UInt8](repeating: 0, count: 2 * blockSize)
    }

    /// Finds the files; at most `limit`. Anything that `pack` would not have written is refused.
    static func parse(_ bytes: [UInt8], limit: Int) throws(FirmwareError) -> [Entry] {
        var entries: [Entry] = []
        var offset = 0
        while true {
            guard bytes.count - offset >= blockSize else { throw refusal(offset, "the end", "a header") }
            let block = Array(bytes[offset..<offset + blockSize])
            if block.allSatisfy({ $0 == 0 }) { break }
            guard entries.count < limit else {
                throw .outOfRange(field: "files of the packed bundle", value: entries.count + 1, limit: limit)
            }
            let name = String(decoding: block.prefix(nameSize).prefix { $0 != 0 }, as: UTF8.self)
            guard FirmwareManifest.isPlainName(name), let size = number(block[124..<136]),
                block == header(name, size: size)
            else {
                throw refusal(offset, "another", "the header of a regular file as `perigee firmware pack` writes it")
            }
            let start = offset + blockSize
            guard size <= bytes.count - start, padded(size) <= bytes.count - start else {
                throw refusal(start, "\(bytes.count - start) octets", "\(size) octets of \(name)")
            }
            guard bytes[start + size..<start + padded(size)].allSatisfy({ $0 == 0 }) else {
                throw refusal(start + size, "octets", "zeros behind \(name)")
            }
            entries.append(Entry(name: name, range: start..<start + size))
            offset = start + padded(size)
        }
        guard bytes.count - offset == 2 * blockSize, bytes[offset...].allSatisfy({ $0 == 0 }) else {
            throw refusal(offset, "\(bytes.count - offset) octets", "two blocks of zeros and the end")
        }
        return entries
    }

    private static func padded(_ size: Int) -> Int { (size + blockSize - 1) / blockSize * blockSize }

    private static func refusal(_ offset: Int, _ found: String, _ expected: String) -> FirmwareError {
        .unusable(field: "packed bundle at octet \(offset)", found: found, expected: expected)
    }

    private static func header(_ name: String, size: Int) -> [UInt8] {
        var block: [UInt8] = []
        func field(_ text: String, _ size: Int) {
            block += Array(text.utf8.prefix(size))
            block += [UInt8](repeating: 0, count: size - min(text.utf8.count, size))
        }
        field(name, nameSize)
        field("0000644", 8)
        field("0000000", 8)
        field("0000000", 8)
        field(octal(size, digits: 11), 12)
        field("00000000000", 12)
        let checksumStart = block.count
        field("        ", 8)
        field("0", 1)
        field("", 100)
        field("ustar", 6)
        field("00", 2)
        field("root", 32)
        field("root", 32)
        field("0000000", 8)
        field("0000000", 8)
        field("", blockSize - block.count)
        let sum = block.reduce(0) { $0 + Int($1) }
        block.replaceSubrange(checksumStart..<checksumStart + 8, with: Array(octal(sum, digits: 6).utf8) + [0, 32])
        return block
    }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.prefix { $0 != 0 }
        guard digits.count == 11, digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
    }
}

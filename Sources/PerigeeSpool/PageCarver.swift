internal import PerigeeCore

/// Finds rows of `packets` in the pages of a file whose trees cannot be walked: each row proves itself by its checksum.
/// Source: SQLite's file format, "B-tree Pages", "Record Format".
struct PageCarver {
    struct Row {
        var id: Int64
        var slot: Int
        var layer: Int
        var frame: UInt64?
        var packet: [UInt8]
    }

    private static let pageSize = Schema.pageSize
    private let path: String
    /// Where the WAL has a page, the last one last.
    private var frames: [Int: Int] = [:]
    private(set) var pageCount: Int

    init(path: String) {
        self.path = path
        pageCount = SystemFiles.size(path) / Self.pageSize
        let wal = path + "-wal"
        for index in 0..<max(0, (SystemFiles.size(wal) - 32) / (24 + Self.pageSize)) {
            let start = 32 + index * (24 + Self.pageSize)
            guard let header = SystemFiles.read(wal, from: start, count: 4), header.count == 4 else { break }
            let number = header.reduce(0) { $0 << 8 | Int($1) }
            guard number > 0 else { continue }
            frames[number] = start + 24
            pageCount = max(pageCount, min(number, pageCount + frames.count))
        }
    }

    /// Rows of page `number`, from 1 on, as the file has it and as the WAL has it.
    func rows(page number: Int) -> [Row] {
        var found: [Row] = []
        if let place = frames[number], let page = SystemFiles.read(path + "-wal", from: place, count: Self.pageSize) {
            found += rows(page)
        }
        if let page = SystemFiles.read(path, from: (number - 1) * Self.pageSize, count: Self.pageSize) {
            found += rows(page)
        }
        return found
    }

    private func rows(_ page: [UInt8]) -> [Row] {
        // 13: a leaf of a table
        guard page.count == Self.pageSize, page[0] == 13 else { return [] }
        let cells = Int(page[3]) << 8 | Int(page[4])
        return (0..<min(cells, (Self.pageSize - 8) / 2)).compactMap { cell in
            let start = Int(page[8 + 2 * cell]) << 8 | Int(page[9 + 2 * cell])
            return start < page.count ? row(page, at: start) : nil
        }
    }

    private func row(_ page: [UInt8], at start: Int) -> Row? {
        var reader = RecordReader(page, at: start)
        guard let size = reader.varint(), let id = reader.varint(), (8...1 << 14).contains(size),
            let payload = payload(page, from: reader.place, size: Int(size))
        else { return nil }
        var record = RecordReader(payload, at: 0)
        guard let headerSize = record.varint(), headerSize < 64 else { return nil }
        var types: [Int64] = []
        while record.place < Int(headerSize) {
            guard let type = record.varint() else { return nil }
            types.append(type)
        }
        guard types.count == 6, types[0] == 0, let slot = record.integer(types[1]),
            let layer = record.integer(types[2]), let frame = record.integer(types[3]),
            let checksum = record.integer(types[4]), types[5] >= 12, types[5].isMultiple(of: 2)
        else { return nil }
        let packet = Array(payload.dropFirst(record.place))
        let owner = types[3] == 0 ? nil : UInt64(clamping: frame)
        guard packet.count == Int(types[5] - 12) / 2, let layer = Int(exactly: layer), let slot = Int(exactly: slot),
            PacketRow.checksum(id, layer: layer, frame: owner, packet) == checksum
        else { return nil }
        return Row(id: id, slot: slot, layer: layer, frame: owner, packet: packet)
    }

    /// The octets of a cell, those in overflow pages too.
    private func payload(_ page: [UInt8], from start: Int, size: Int) -> [UInt8]? {
        let usable = Self.pageSize
        var local = size
        if size > usable - 35 {
            let least = (usable - 12) * 32 / 255 - 23
            let rest = least + (size - least) % (usable - 4)
            local = rest <= usable - 35 ? rest : least
        }
        guard start + local + (local < size ? 4 : 0) <= page.count else { return nil }
        var octets = Array(page[start..<start + local])
        var next = local < size ? Self.number(page, start + local) : 0
        while octets.count < size {
            guard next > 0, let more = overflow(next) else { return nil }
            octets += more[4..<min(usable, 4 + size - octets.count)]
            next = Self.number(more, 0)
        }
        return octets
    }

    private func overflow(_ number: Int) -> [UInt8]? {
        let found =
            if let place = frames[number] {
                SystemFiles.read(path + "-wal", from: place, count: Self.pageSize)
            } else {
                SystemFiles.read(path, from: (number - 1) * Self.pageSize, count: Self.pageSize)
            }
        return found?.count == Self.pageSize ? found : nil
    }

    private static func number(_ octets: [UInt8], _ place: Int) -> Int {
        octets[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Reads SQLite's varints and integers; nil beyond the end.
private struct RecordReader {
    private let octets: [UInt8]
    private(set) var place: Int

    init(_ octets: [UInt8], at place: Int) {
        self.octets = octets
        self.place = place
    }

    mutating func varint() -> Int64? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard place < octets.count else { return nil }
            let octet = octets[place]
            place += 1
            if index == 8 { return Int64(bitPattern: value << 8 | UInt64(octet)) }
            value = value << 7 | UInt64(octet & 127)
            if octet < 128 { return Int64(bitPattern: value) }
        }
        return nil
    }

    /// A column of serial type `type`; NULL is 0.
    mutating func integer(_ type: Int64) -> Int64? {
        let sizes: [Int64: Int] = [1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8]
        switch type {
        case 0, 8: return 0
        case 9: return 1
        default:
            guard let size = sizes[type], place + size <= octets.count else { return nil }
            defer { place += size }
            let first = Int64(Int8(bitPattern: octets[place]))
            return octets[place + 1..<place + size].reduce(first) { $0 << 8 | Int64($1) }
        }
    }
}

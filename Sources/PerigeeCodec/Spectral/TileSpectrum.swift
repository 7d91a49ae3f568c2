/// The spectral basis of one tile: a mode, and rotations of its levels that come with the layers.
/// Source: Docs/packet-format.md, section 5.10.
package struct TileSpectrum: Equatable, Sendable {
    /// As `SpectralChoice.mode`.
    package var mode: Int
    /// Rotations that come with each layer, in the order in which they are applied. At a decoder: in what came so far.
    package var layers: [[Rotation]] = []
    /// Levels, from the finest on, that rotations may still come for. Of these the sent intervals of coefficients hold
    /// for components that are not known yet.
    package var openLevels: [Bool] = []

    package init(mode: Int, layers: [[Rotation]] = [], openLevels: [Bool] = []) {
        (self.mode, self.layers, self.openLevels) = (mode, layers, openLevels)
    }

    /// Whether the basis of a level is not known to the end; 0 stands for the low band, which has no rotations.
    func isOpen(level: Int) -> Bool { level > 0 && level <= openLevels.count && openLevels[level - 1] }

    /// All rotations, behind each other.
    package var rotations: [Rotation] { layers.flatMap { $0 } }

    /// As a decoder knows it that has everything.
    package var whole: TileSpectrum { TileSpectrum(mode: mode, layers: [rotations]) }
}

/// Packs and parses the records that say a tile's spectrum: bits, most significant first, filled up with zero bits to whole
/// octets. Source: Docs/packet-format.md, section 5.10.
package struct SpectralRecord {
    let bands: Int
    let levels: Int
    /// The mode of the frame's head, and whether tiles may differ from it.
    let headMode: Int
    let hasModes: Bool

    package init(bands: Int, levels: Int, headMode: Int, hasModes: Bool) {
        (self.bands, self.levels, self.headMode, self.hasModes) = (bands, levels, headMode, hasModes)
    }

    /// The record of the layers from `start` to `end` (less than the next). `start` is 0 in a tile's first record, and only
    /// then the mode is said. nil where nothing more was announced.
    package func pack(_ spectrum: TileSpectrum, from start: Int, to end: Int) -> [UInt8]? {
        let open = start == 0 ? [Bool](repeating: true, count: levels) : Self.levels(spectrum, from: start, levels)
        guard start == 0 || open.contains(true) else { return nil }
        var bits = BitWriter()
        let later = Self.levels(spectrum, from: end, levels)
        bits.write(later.contains(true) ? 1 : 0, count: 1)
        if later.contains(true) {
            for level in open.indices where open[level] { bits.write(later[level] ? 1 : 0, count: 1) }
        }
        if start == 0, hasModes {
            bits.write(spectrum.mode == headMode ? 1 : 0, count: 1)
            if spectrum.mode != headMode { bits.write(spectrum.mode, count: 4) }
        }
        let rotations = spectrum.layers.enumerated().filter { (start..<end).contains($0.offset) }.flatMap(\.element)
        bits.write(rotations.isEmpty ? 0 : 1, count: 1)
        guard !rotations.isEmpty else { return bits.octets }
        let pairBits = Rotation.pairBits(bands)
        for level in open.indices where open[level] {
            for rotation in rotations where rotation.level == level + 1 {
                bits.write(1, count: 1)
                bits.write(rotation.pair, count: pairBits)
                bits.write(rotation.tangent + Rotation.tangentLimit, count: Rotation.tangentBits)
            }
            bits.write(0, count: 1)
        }
        return bits.octets
    }

    /// Which levels have rotations in the layers from `start` on.
    private static func levels(_ spectrum: TileSpectrum, from start: Int, _ count: Int) -> [Bool] {
        var levels = [Bool](repeating: false, count: count)
        for rotation in spectrum.layers.dropFirst(start).joined() { levels[rotation.level - 1] = true }
        return levels
    }

    /// Reads the next record of a tile into `spectrum`, which is nil before the first one. Gives its octets, 0 where no
    /// record was announced, nil where the octets end inside of it.
    package func parse(_ octets: ArraySlice<UInt8>, into spectrum: inout TileSpectrum?) throws(CodecError) -> Int? {
        if let spectrum, !spectrum.openLevels.contains(true) { return 0 }
        var bits = BitReader(octets)
        guard let parsed = try parse(&bits, after: spectrum) else { return nil }
        guard bits.restIsZero else {
            throw .unusable(field: "spectral record", found: "a bit behind its end", expected: "zero bits there")
        }
        spectrum = parsed
        return bits.octetsRead
    }

    private func parse(_ bits: inout BitReader, after before: TileSpectrum?) throws(CodecError) -> TileSpectrum? {
        var spectrum = before ?? TileSpectrum(mode: headMode, openLevels: .init(repeating: true, count: levels))
        let open = spectrum.openLevels
        guard let hasLater = bits.read(count: 1) else { return nil }
        for level in open.indices where open[level] {
            guard let isOpen = hasLater == 1 ? bits.read(count: 1) : 0 else { return nil }
            spectrum.openLevels[level] = isOpen == 1
        }
        guard hasLater == 0 || spectrum.openLevels.contains(true) else {
            throw .unusable(field: "spectral record", found: "no open level", expected: "one where more is announced")
        }
        if before == nil, hasModes {
            guard let isSame = bits.read(count: 1), let mode = isSame == 1 ? spectrum.mode : bits.read(count: 4)
            else { return nil }
            guard isSame == 1 || mode < SpectralChoice.fittedMode, isSame == 1 || mode != headMode else {
                throw .unusable(
                    field: "spectral mode of a tile", found: "\(mode)", expected: "0 to 14, not the head's")
            }
            spectrum.mode = mode
        }
        guard let isAny = bits.read(count: 1) else { return nil }
        var rotations: [Rotation] = []
        if isAny == 1 {
            for level in open.indices where open[level] {
                guard try parse(&bits, level: level + 1, into: &rotations) else { return nil }
            }
        }
        spectrum.layers.append(rotations)
        return spectrum
    }

    /// The rotations of one level; false where the octets end.
    private func parse(
        _ bits: inout BitReader, level: Int, into rotations: inout [Rotation]
    ) throws(CodecError) -> Bool {
        while true {
            guard let isMore = bits.read(count: 1) else { return false }
            guard isMore == 1 else { return true }
            guard let pair = bits.read(count: Rotation.pairBits(bands)),
                let tangent = bits.read(count: Rotation.tangentBits)
            else { return false }
            guard pair < Rotation.pairCount(bands) else {
                throw .outOfRange(
                    field: "pair of components", value: pair, limit: Rotation.pairCount(bands) - 1)
            }
            let components = Rotation.components(ofPair: pair)
            rotations.append(
                Rotation(
                    level: level, first: components.first, second: components.second,
                    tangent: tangent - Rotation.tangentLimit))
        }
    }
}

/// Bits to octets, most significant first.
private struct BitWriter {
    private(set) var octets: [UInt8] = []
    private var free = 0

    mutating func write(_ value: Int, count: Int) {
        for bit in stride(from: count - 1, through: 0, by: -1) {
            if free == 0 {
                octets.append(0)
                free = 8
            }
            free -= 1
            octets[octets.count - 1] |= UInt8(truncatingIfNeeded: value >> bit & 1) << UInt8(free)
        }
    }
}

/// Octets to bits, most significant first.
private struct BitReader {
    private let octets: ArraySlice<UInt8>
    private var next = 0

    init(_ octets: ArraySlice<UInt8>) { self.octets = octets }

    /// nil where fewer bits are left.
    mutating func read(count: Int) -> Int? {
        guard next + count <= 8 * octets.count else { return nil }
        var value = 0
        for bit in next..<next + count {
            value = value << 1 | Int(octets[octets.startIndex + bit / 8] >> UInt8(7 - bit % 8) & 1)
        }
        next += count
        return value
    }

    var octetsRead: Int { (next + 7) / 8 }

    /// Whether the rest of the last octet that was read is zero.
    var restIsZero: Bool {
        next % 8 == 0 || octets[octets.startIndex + next / 8] & (255 >> UInt8(next % 8)) == 0
    }
}

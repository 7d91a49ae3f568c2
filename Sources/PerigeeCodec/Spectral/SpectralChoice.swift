package import PerigeeCore

/// Which spectral basis a frame uses: 4 bits, and the octets of a fitted covariance behind mode 15.
/// Source: Docs/packet-format.md, section 5.3.
package struct SpectralChoice: Equatable, Sendable {
    package static let identityMode = 14
    package static let fittedMode = 15

    /// 0 to 13 a set of the firmware, 14 identity, 15 fitted.
    package let mode: Int
    /// Octets of the fitted covariance, else none.
    package let parameters: [UInt8]
    /// What each tile has of its own; empty where all have `mode` as it stands.
    package var tiles: [TileSpectrum] = []

    package static let identity = SpectralChoice(mode: identityMode, parameters: [])

    /// A set of the firmware.
    package static func trained(_ set: Int) -> SpectralChoice { SpectralChoice(mode: set, parameters: []) }

    private init(mode: Int, parameters: [UInt8]) {
        self.mode = mode
        self.parameters = parameters
    }

    /// The same modes with no rotation.
    var withoutRotations: SpectralChoice {
        var choice = self
        choice.tiles = tiles.contains { $0.mode != mode } ? tiles.map { TileSpectrum(mode: $0.mode) } : []
        return choice
    }

    /// Refuses records where the mode, the bands or the levels leave nothing to say in them.
    package static func checkRecords(mode: Int, bands: Int, levels: Int) throws(CodecError) {
        guard mode != identityMode, bands > 1, bands <= SpectralModel.bandLimit, levels > 0 else {
            throw .unusable(
                field: "records of tiles", found: "mode \(mode), \(bands) bands, \(levels) levels",
                expected: "a basis of 2 to \(SpectralModel.bandLimit) bands and a wavelet")
        }
    }

    /// Octets that follow a mode for this many bands.
    package static func parameterSize(mode: Int, bands: Int) -> Int {
        mode == fittedMode ? bands + bands * (bands - 1) / 2 : 0
    }

    /// Appends the parameters; the mode's 4 bits stand elsewhere.
    package func packParameters(into writer: inout ByteWriter) { writer.write(parameters) }

    /// Reads the parameters of `mode`. `FrameTransform.check` says whether the stream can use it.
    package init(mode: Int, parsing reader: inout ByteReader, bands: Int) throws(CodecError) {
        guard mode >= 0, mode <= Self.fittedMode else {
            throw .outOfRange(field: "spectral mode", value: mode, limit: Self.fittedMode)
        }
        var parameters: [UInt8] = []
        if mode == Self.fittedMode {
            guard bands <= SpectralModel.bandLimit else {
                throw .outOfRange(field: "bands of a fitted basis", value: bands, limit: SpectralModel.bandLimit)
            }
            do {
                parameters = Array(
                    try reader.read("fitted basis", count: Self.parameterSize(mode: mode, bands: bands)))
            } catch {
                throw .format(error)
            }
            guard !parameters.dropFirst(bands).contains(128) else {
                throw .unusable(field: "fitted basis correlation", found: "-128", expected: "-127 to 127")
            }
        }
        self.init(mode: mode, parameters: parameters)
    }
}

// What tiles have of their own, in one piece.
extension SpectralChoice {
    /// The whole records of all tiles behind each other; none where all tiles are as the mode says.
    package func packTiles(bands: Int, levels: Int) -> [UInt8] {
        let record = SpectralRecord(bands: bands, levels: levels, headMode: mode, hasModes: tiles.count > 1)
        return tiles.flatMap { record.pack($0.whole, from: 0, to: 1) ?? [] }
    }

    /// Reads what `packTiles` wrote.
    package mutating func parseTiles(
        _ octets: ArraySlice<UInt8>, bands: Int, levels: Int, tiles count: Int
    ) throws(CodecError) {
        try Self.checkRecords(mode: mode, bands: bands, levels: levels)
        let record = SpectralRecord(bands: bands, levels: levels, headMode: mode, hasModes: count > 1)
        var rest = octets
        for _ in 0..<count {
            var spectrum: TileSpectrum?
            guard let size = try record.parse(rest, into: &spectrum), let spectrum else {
                throw .format(.truncated(field: "spectral record", needed: 1, available: 0))
            }
            tiles.append(spectrum)
            rest = rest.dropFirst(size)
        }
        guard rest.isEmpty else {
            throw .unusable(field: "spectral choice", found: "\(rest.count) octets behind its end", expected: "none")
        }
    }
}

// The fitted covariance.
extension SpectralChoice {
    private static let quarterOctaves = [1, 1.189207115002721, 1.4142135623730951, 1.681792830507429]

    /// `[band][band]` as a decoder understands the parameters.
    var fittedCovariance: [Double] {
        let count = Self.bandCount(parameters: parameters.count)
        let variances = parameters.prefix(count).map { octet in
            Self.quarterOctaves[Int(octet) & 3] * Double(sign: .plus, exponent: Int(octet) >> 2, significand: 1)
        }
        var covariance = [Double](repeating: 0, count: count * count)
        var next = count
        for b in 0..<count {
            covariance[b * count + b] = variances[b]
            for d in b + 1..<max(count, b + 1) {
                let z = Double(Int8(bitPattern: parameters[next])) / 127
                let r = z * (1.5 - 0.5 * (z * z))
                let value = r * (variances[b] * variances[d]).squareRoot()
                covariance[b * count + d] = value
                covariance[d * count + b] = value
                next += 1
            }
        }
        return covariance
    }

    private static func bandCount(parameters: Int) -> Int {
        (0...SpectralModel.bandLimit).first { $0 + $0 * ($0 - 1) / 2 == parameters } ?? 0
    }

    /// The choice whose covariance is nearest to `covariance` (`[band][band]`, 1 to 64 bands). Encoder only.
    static func fitting(_ covariance: [Double], count: Int) -> SpectralChoice {
        let greatest = max((0..<count).map { covariance[$0 * (count + 1)] }.max() ?? 1, 0x1p-100)
        let variance = { (b: Int) -> Double in max(covariance[b * (count + 1)], greatest * 0x1p-60) }
        // only ratios matter: the greatest variance takes the top of the scale
        var parameters = (0..<count).map { b in
            UInt8(max(0, min(255, (255 + 4 * log2Encoder(variance(b) / greatest)).rounded())))
        }
        for b in 0..<count {
            for d in b + 1..<max(count, b + 1) {
                let r = covariance[b * count + d] / (variance(b) * variance(d)).squareRoot()
                parameters.append(UInt8(bitPattern: nearestCorrelation(max(-1, min(1, r)))))
            }
        }
        return SpectralChoice(mode: fittedMode, parameters: parameters)
    }

    private static func nearestCorrelation(_ r: Double) -> Int8 {
        var low = -127
        var high = 127
        let value = { (code: Int) -> Double in
            let z = Double(code) / 127
            return z * (1.5 - 0.5 * (z * z))
        }
        while high - low > 1 {
            let middle = (low + high) / 2
            if value(middle) <= r { low = middle } else { high = middle }
        }
        return Int8(r - value(low) <= value(high) - r ? low : high)
    }
}

/// Binary logarithm, good enough for choices of the encoder: never on the strict path.
func log2Encoder(_ value: Double) -> Double {
    guard value > 0 else { return -1_100 }
    // ln m = 2 artanh((m - 1) / (m + 1)) for a significand m of 1 … 2
    let m = value.significand
    let y = (m - 1) / (m + 1)
    let square = y * y
    let series = 1 + square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9 + square / 11))))
    return Double(value.exponent) + 2 * y * series * 1.4426950408889634
}

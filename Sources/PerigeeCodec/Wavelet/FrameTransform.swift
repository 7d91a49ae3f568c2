import PerigeeConcurrency
package import PerigeeCore

/// Samples to coefficients and back, strict in both directions. One a stream; bases are made when first needed and kept.
/// Source: Docs/packet-format.md, sections 5.1 to 5.3.
package struct FrameTransform: Sendable {
    /// Where the sub-bands lie.
    package let geometry: WaveletGeometry
    /// Components, and bands in coding order.
    package let bands: Int
    private let model: SpectralModel
    let normalisation: Normalisation
    let wavelet: Wavelet
    let spectral: SpectralTransform
    private let placement: BandPlacement
    let path: StrictPath
    private let bases = Bases()

    /// Bases of trained sets, made once a stream.
    private final class Bases: Sendable {
        let known = Locked<[Int: SpectralBasis]>([:])
    }

    package var levels: Int { geometry.levels }

    /// Fails where scale, offset or peak cannot be used.
    package init(_ stream: StreamDescription, model: SpectralModel) throws(CodecError) {
        try self.init(stream, model: model, path: .best)
    }

    /// As above on a named copy of the kernels; all give the same bits.
    package init(_ stream: StreamDescription, model: SpectralModel, path: StrictPath) throws(CodecError) {
        let coded = stream.codingOrder.map { stream.bands[$0] }
        let placement = BandPlacement(coded, model: model)
        bands = coded.count
        self.model = model
        self.path = path
        self.placement = placement
        normalisation = try Normalisation(stream, means: placement.means(model))
        wavelet = Wavelet(rows: stream.rows, columns: stream.columns, path: path)
        geometry = wavelet.geometry
        spectral = SpectralTransform(geometry: wavelet.geometry, shift: Self.shift(coded), path: path)
    }

    /// Levels by which the sensor is coarser than the 10 m that the sets begin at.
    private static func shift(_ bands: [Band]) -> Int {
        var ratio = (bands.compactMap(\.groundSamplingDistance).map { Double(Float($0)) }.min() ?? 10) / 10
        var shift = 0
        while ratio >= 1.4142135623730951, shift < WaveletGeometry.levelLimit {
            ratio /= 2
            shift += 1
        }
        while ratio < 0.7071067811865476, shift > -WaveletGeometry.levelLimit {
            ratio *= 2
            shift -= 1
        }
        return shift
    }

    /// Which samples are measurements. Refuses infinite samples and another shape.
    package func validity(of samples: Samples) throws(CodecError) -> Validity {
        try normalisation.validity(of: samples)
    }

    /// Valid samples that lie so far beyond the profile's peak that the format clips them (Docs/packet-format.md, section
    /// 5.1).
    package func clippedCount(_ samples: Samples, validity: Validity) -> Int {
        normalisation.clippedCount(samples, validity: validity)
    }

    /// How samples of this stream are numbered for a residual with these bounds, by band in coding order.
    func raster(_ samples: Samples, bounds: [Double], validity: Validity) -> ResidualRaster {
        ResidualRaster(
            samples, bounds: bounds, codingOrder: normalisation.codingOrder, nodata: normalisation.nodata,
            validity: validity)
    }

    /// Writes nodata where samples are invalid, and takes it away where they are not.
    func finish(_ bytes: inout [UInt8], count: Int, validity: Validity) {
        normalisation.finish(&bytes, count: count, validity: validity)
    }

    /// Coefficients `[components][rows][columns]` of a frame, and the bases that suit it. `budgets`: cumulative octets of the
    /// frame's layers, by which a fitted basis and rotations must pay for themselves.
    package func forward(
        _ samples: Samples, validity: Validity, budgets: [Int]
    ) throws(CodecError) -> (coefficients: Planes, choice: SpectralChoice) {
        try forward(try bandCoefficients(samples, validity), budgets: budgets)
    }

    /// As above from coefficients of the bands.
    func forward(
        _ bands: Planes, budgets: [Int]
    ) throws(CodecError) -> (coefficients: Planes, choice: SpectralChoice) {
        var planes = bands
        let choice = try choose(planes, budgets: budgets)
        spectral.forward(&planes, try bases(of: choice))
        return (planes, choice)
    }

    /// As above for a single layer.
    package func forward(
        _ samples: Samples, validity: Validity, budget: Int
    ) throws(CodecError) -> (coefficients: Planes, choice: SpectralChoice) {
        try forward(samples, validity: validity, budgets: [budget])
    }

    /// Coefficients under a given basis, which must be one that `check` accepts.
    package func forward(
        _ samples: Samples, validity: Validity, choice: SpectralChoice
    ) throws(CodecError) -> Planes {
        try forward(bandCoefficients(samples, validity), choice: choice)
    }

    /// As above from coefficients of the bands.
    func forward(_ bands: Planes, choice: SpectralChoice) throws(CodecError) -> Planes {
        var planes = bands
        spectral.forward(&planes, try bases(of: choice))
        return planes
    }

    /// Samples in the order of the frame; invalid ones are nodata. Takes the coefficients' buffer over.
    package func inverse(
        _ coefficients: consuming Planes, choice: SpectralChoice, validity: Validity
    ) throws(CodecError) -> Samples {
        try normalisation.samples(of: values(coefficients, choice), validity: validity, path: path)
    }

    /// The same as if every sample were valid and no value meant nodata: what a residual layer stands on.
    func synthesis(_ coefficients: consuming Planes, choice: SpectralChoice) throws(CodecError) -> Samples {
        try normalisation.synthesis(of: values(coefficients, choice), path: path)
    }

    private func values(_ coefficients: consuming Planes, _ choice: SpectralChoice) throws(CodecError) -> Planes {
        guard coefficients.components == bands, coefficients.rows == geometry.rows,
            coefficients.columns == geometry.columns
        else {
            throw .mismatch(
                field: "coefficients",
                found: "[\(coefficients.components), \(coefficients.rows), \(coefficients.columns)]",
                expected: "[\(bands), \(geometry.rows), \(geometry.columns)]")
        }
        spectral.inverse(&coefficients, try bases(of: choice))
        wavelet.inverse(&coefficients)
        return coefficients
    }

    /// What of a frame's coefficients the samples of a window depend on; refuses a window that the frame does not have.
    package func geometry(of window: FrameWindow) throws(CodecError) -> WindowGeometry {
        try window.check(rows: geometry.rows, columns: geometry.columns)
        return WindowGeometry(window: window, frame: geometry, components: bands)
    }

    /// Samples of a window, bit for bit those that the whole frame's inverse gives there. `validity` is the window's.
    package func inverse(
        _ coefficients: consuming WindowPlanes, choice: SpectralChoice, validity: Validity
    ) throws(CodecError) -> Samples {
        try normalisation.samples(of: values(coefficients, choice), validity: validity, path: path)
    }

    /// Samples of a window as if every sample were valid and no value meant nodata.
    func synthesis(_ coefficients: consuming WindowPlanes, choice: SpectralChoice) throws(CodecError) -> Samples {
        try normalisation.synthesis(of: values(coefficients, choice), path: path)
    }

    private func values(_ coefficients: consuming WindowPlanes, _ choice: SpectralChoice) throws(CodecError) -> Planes {
        let window = coefficients.geometry.window
        guard coefficients.geometry == (try geometry(of: window)) else {
            throw .mismatch(
                field: "coefficients of a window", found: "those of another frame",
                expected: "[\(bands), \(geometry.rows), \(geometry.columns)]")
        }
        let tiles = coefficients.geometry.tiles(spectral.grid)
        spectral.inverse(&coefficients, try bases(of: choice, tiles: tiles), tiles: tiles)
        return wavelet.inverse(coefficients)
    }

    /// Refuses a choice that this stream cannot use.
    package func check(_ choice: SpectralChoice) throws(CodecError) {
        if choice.mode == SpectralChoice.fittedMode,
            choice.parameters.count != SpectralChoice.parameterSize(mode: choice.mode, bands: bands)
        {
            throw .mismatch(
                field: "fitted basis", found: "\(choice.parameters.count) octets",
                expected: "\(SpectralChoice.parameterSize(mode: choice.mode, bands: bands)) octets")
        }
        try check(mode: choice.mode)
        guard choice.tiles.isEmpty || choice.tiles.count == spectral.grid.count else {
            throw .mismatch(
                field: "spectra of tiles", found: "\(choice.tiles.count)", expected: "\(spectral.grid.count)")
        }
        for tile in choice.tiles where tile.mode != choice.mode { try check(mode: tile.mode) }
    }

    private func check(mode: Int) throws(CodecError) {
        switch mode {
        case SpectralChoice.identityMode, SpectralChoice.fittedMode: return
        case 0..<model.sets:
            guard placement.isUsable else {
                throw .unusable(
                    field: "spectral mode", found: "set \(mode) for bands without wavelengths",
                    expected: "\(SpectralChoice.identityMode) or \(SpectralChoice.fittedMode)")
            }
        default: throw .outOfRange(field: "spectral mode", value: mode, limit: model.sets - 1)
        }
    }

    func bandCoefficients(_ samples: Samples, _ validity: Validity) throws(CodecError) -> Planes {
        try normalisation.check(samples)
        guard (validity.bands, validity.rows, validity.columns) == (bands, geometry.rows, geometry.columns) else {
            throw .mismatch(
                field: "validity", found: "[\(validity.bands), \(validity.rows), \(validity.columns)]",
                expected: "[\(bands), \(geometry.rows), \(geometry.columns)]")
        }
        var planes = normalisation.values(of: samples, validity: validity, path: path)
        wavelet.forward(&planes)
        return planes
    }

    /// The basis of every tile, or of the named ones alone; nil is the identity, or a tile that is not named.
    func bases(of choice: SpectralChoice, tiles: [Int]? = nil) throws(CodecError) -> [TileBasis?] {
        try check(choice)
        let spectra =
            choice.tiles.isEmpty
            ? [TileSpectrum](repeating: TileSpectrum(mode: choice.mode), count: spectral.grid.count) : choice.tiles
        var plain: [Int: TileBasis] = [:]
        var bases = [TileBasis?](repeating: nil, count: spectra.count)
        for tile in tiles ?? Array(spectra.indices) where spectra[tile].mode != SpectralChoice.identityMode {
            let mode = spectra[tile].mode
            let rotations = spectra[tile].rotations
            if rotations.isEmpty, let known = plain[mode] {
                bases[tile] = known
                continue
            }
            let made = TileBasis(basis(mode: mode, choice), indices: spectral.indices, rotations: rotations)
            bases[tile] = made
            if rotations.isEmpty { plain[mode] = made }
        }
        return bases
    }

    /// The basis of a mode other than the identity.
    private func basis(mode: Int, _ choice: SpectralChoice) -> SpectralBasis {
        mode == SpectralChoice.fittedMode
            ? SpectralBasis(count: bands, covariances: [choice.fittedCovariance]) : trainedBasis(mode)
    }

    /// Made outside of the lock: two lanes may make the same basis at once, which is the same bits twice.
    private func trainedBasis(_ set: Int) -> SpectralBasis {
        if let known = bases.known.withLock({ $0[set] }) { return known }
        let made = SpectralBasis(
            count: bands,
            covariances: (0..<SpectralModel.indices).map { placement.covariance(model, set: set, index: $0) })
        bases.known.withLock { $0[set] = made }
        return made
    }
}

// The encoder's choice.
extension FrameTransform {
    /// The basis with the least cost by the proxy of `SpectralAnalysis`, for the frame and for each of its tiles, and the
    /// rotations that pay.
    func choose(_ planes: Planes, budgets: [Int]) throws(CodecError) -> SpectralChoice {
        guard bands > 1, bands <= SpectralModel.bandLimit, levels > 0, let budget = budgets.last else {
            return .identity
        }
        let analysis = SpectralAnalysis(planes, transform: spectral)
        let best = set(analysis).map { SpectralChoice.trained($0) } ?? .identity
        // Rotations pay layer by layer, a fitted basis all at once and first: it is for bands that no trained set places.
        guard best != .identity, model.rotationEfficiency > 0 else {
            return fitted(analysis, instead: best, budget: budget) ?? best
        }
        var choice = best
        let head = choice
        let samples = (0..<spectral.grid.count).map { SpectralSamples(planes, transform: spectral, tile: $0) }
        let modes = samples.map { samples.count > 1 ? set($0.analysis(spectral)) ?? head.mode : head.mode }
        let bases = modes.map { basis(mode: $0, head) }
        let search = RotationSearch(
            samples, bases, transform: spectral, budgets: budgets, efficiency: model.rotationEfficiency)
        choice.tiles = modes.indices.map { TileSpectrum(mode: modes[$0], layers: search.layers(ofTile: $0)) }
        let isPlain = choice.tiles.allSatisfy { $0.mode == head.mode && $0.rotations.isEmpty }
        return isPlain ? head : choice
    }

    /// The trained set with the least cost, nil where the identity has less.
    private func set(_ analysis: SpectralAnalysis) -> Int? {
        var best: Int?
        var cost = SpectralAnalysis.cost(analysis.variances(nil))
        for set in 0..<(placement.isUsable ? model.sets : 0) {
            let itsCost = SpectralAnalysis.cost(analysis.variances(trainedBasis(set)))
            if itsCost < cost { (best, cost) = (set, itsCost) }
        }
        return best
    }

    /// A fitted basis, where the proxy at the budget's own distortion says that it saves more than its octets cost.
    private func fitted(
        _ analysis: SpectralAnalysis, instead best: SpectralChoice, budget: Int
    ) -> SpectralChoice? {
        let price = 1.5 * Double(SpectralChoice.parameterSize(mode: SpectralChoice.fittedMode, bands: bands))
        guard price < 0.5 * Double(budget) else { return nil }
        let variances = analysis.variances(best == .identity ? nil : trainedBasis(best.mode))
        let threshold = SpectralAnalysis.distortion(variances, budget: 8 * Double(budget))
        let cost = SpectralAnalysis.cost(variances, threshold: threshold)
        guard cost > 0 else { return nil }
        var found: (choice: SpectralChoice, cost: Double)?
        for covariance in analysis.candidates {
            let candidate = SpectralChoice.fitting(covariance, count: bands)
            let basis = SpectralBasis(count: bands, covariances: [candidate.fittedCovariance])
            let itsCost = SpectralAnalysis.cost(analysis.variances(basis), threshold: threshold)
            if itsCost < found?.cost ?? .infinity { found = (candidate, itsCost) }
        }
        guard let found, (cost - found.cost) / cost * Double(budget) > price else { return nil }
        return found.choice
    }
}

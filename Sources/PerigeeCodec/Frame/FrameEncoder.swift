public import PerigeeCore

/// Samples of one stream's frames to layers of octets. Synchronous; made once a stream, since it keeps bases, lanes and
/// workspaces. Frames go through it one after another.
public struct FrameEncoder: Sendable {
    public let stream: StreamDescription
    let transform: FrameTransform?
    let tokens: TokenEncoder?
    let residual: FrameResidualEncoder?
    /// Octets beyond any frame; larger budgets mean the same.
    static let budgetLimit = 1 << 40

    /// `lanes`: threads that code tiles beside each other, the caller's included; the octets do not depend on it.
    /// Fails where the stream's scale, offset or peak cannot be used.
    public init(model: CodecModel, stream: StreamDescription, lanes: Int) throws(CodecError) {
        self.stream = stream
        guard stream.declaration.coding == .tokens else {
            (transform, tokens, residual) = (nil, nil, nil)
            return
        }
        let transform = try FrameTransform(stream, model: model.spectral)
        self.transform = transform
        let tokens = TokenEncoder(
            rows: stream.rows, columns: stream.columns, levels: transform.levels, components: stream.bands.count,
            tables: model.tables, history: model.history, lanes: lanes)
        self.tokens = tokens
        residual = FrameResidualEncoder(model: model, stream: stream, transform: transform, lanes: tokens.lanes)
    }

    /// Layers within cumulative budgets in octets, coarse to fine, at least one (`LayerLadder` makes them). Each budget
    /// is met to within max(3 %, 4 octets) from below and never exceeded, until nothing is left to say. A coarse layer
    /// whose budget is below the smallest possible size is empty; for the last one that is the error `overBudget`, which
    /// says the smallest size. A verbatim stream is coded whole into layer 0, whatever the budgets say.
    ///
    /// With `bound` one more layer follows, of whatever size it needs, after which every valid sample lies within the bound;
    /// this is verified here for every sample, and the error `unusable` where it cannot be (float32 only). Nothing follows
    /// in a verbatim stream, which is lossless.
    ///
    /// `reference`: what both ends know of the place. It is used where that comes nearer to the samples at the end of
    /// `aimedLayer` (nil: the last one), and then the result says `isPredicted`; without it, and where it is of no use, the
    /// layers are the same.
    ///
    /// `reservesResidual`: the head names such a layer though there is none yet. The same samples, budgets and model encoded with a bound
    /// later give the same layers and that one behind them. It costs an octet.
    public func encode(
        _ samples: Samples, budgets: [Int], reference: FrameReference? = nil, aimedLayer: Int? = nil,
        bound: ErrorBound? = nil, reservesResidual: Bool = false
    ) throws(CodecError) -> EncodedFrame {
        let bounds = tokens == nil ? nil : try bound?.resolved(for: stream)
        let budgets = budgets.map { min(max($0, 0), Self.budgetLimit) }
        guard !budgets.isEmpty else {
            throw .unusable(field: "budgets", found: "none", expected: "one or more, coarse to fine")
        }
        guard let transform, let tokens else {
            guard
                (samples.type, samples.bands, samples.rows, samples.columns) == (
                    stream.sampleType, stream.bands.count, stream.rows, stream.columns
                )
            else {
                throw .mismatch(
                    field: "samples", found: "another type or shape", expected: "\(stream.sampleType.name) as declared")
            }
            return try VerbatimCoding.encode(samples, layers: budgets.count)
        }
        let validity = try transform.validity(of: samples)
        let residualLayer = bound == nil && !reservesResidual ? nil : budgets.count
        guard budgets.count <= FrameHead.residualLayerLimit || residualLayer == nil else {
            throw .outOfRange(
                field: "layers below a residual layer", value: budgets.count, limit: FrameHead.residualLayerLimit)
        }
        let source = FrameSource(
            samples: samples, validity: validity, coefficients: try transform.bandCoefficients(samples, validity),
            budgets: budgets, aim: min(max(aimedLayer ?? budgets.count - 1, 0), budgets.count - 1),
            residualLayer: residualLayer)
        let frame = try encode(source, reference, transform, tokens)
        guard let bounds, let residual else { return frame }
        return try residual.extend(
            frame, samples, validity: validity, bounds: bounds, reference: frame.isPredicted ? reference : nil)
    }

    /// Valid samples that lie so far beyond the profile's peak (about 105 times) that they will be clipped; 0 for a verbatim
    /// stream. Costs a pass over the samples where their type can hold such numbers. Throws as `encode`.
    public func clippedCount(_ samples: Samples) throws(CodecError) -> Int {
        guard let transform else { return 0 }
        return transform.clippedCount(samples, validity: try transform.validity(of: samples))
    }

    func encode(
        _ planes: Planes, _ choice: SpectralChoice, _ validity: Validity, _ tokens: TokenEncoder, budgets: [Int],
        _ residualLayer: Int? = nil, predictions: [TilePrediction?]? = nil
    ) throws(CodecError) -> EncodedFrame {
        let head = FrameHead(choice: choice, hasMask: !validity.isAllValid, residualLayer: residualLayer)
        return try tokens.encode(
            reals: planes.values, scale: FrameHead.factors[head.scale], validity: validity, head: head.pack(),
            records: TileRecords(choice, bands: planes.components, levels: tokens.levels), predictions: predictions,
            budgets: budgets)
    }
}

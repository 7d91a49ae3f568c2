public import PerigeeCore

/// Samples of one stream's frames to layers of octets. Synchronous; made once a stream, since it keeps bases, lanes and
/// workspaces. Frames go through it one after another.
public struct FrameEncoder: Sendable {
    public let stream: StreamDescription
    let transform: FrameTransform?
    let tokens: TokenEncoder?
    /// Octets beyond any frame; larger budgets mean the same.
    static let budgetLimit = 1 << 40

    /// `lanes`: threads that code tiles beside each other, the caller's included; the octets do not depend on it.
    /// Fails where the stream's scale, offset or peak cannot be used.
    public init(model: CodecModel, stream: StreamDescription, lanes: Int) throws(CodecError) {
        self.stream = stream
        guard stream.declaration.coding == .tokens else {
            (transform, tokens) = (nil, nil)
            return
        }
        let transform = try FrameTransform(stream, model: model.spectral)
        self.transform = transform
        tokens = TokenEncoder(
            rows: stream.rows, columns: stream.columns, levels: transform.levels, components: stream.bands.count,
            tables: model.tables, lanes: lanes)
    }

    /// Layers within cumulative budgets in octets, coarse to fine, at least one (`LayerLadder` makes them). Each budget
    /// is met to within max(3 %, 4 octets) from below and never exceeded, until nothing is left to say. A coarse layer
    /// whose budget is below the smallest possible size is empty; for the last one that is the error `overBudget`, which
    /// says the smallest size. A verbatim stream is coded whole into layer 0, whatever the budgets say.
    public func encode(_ samples: Samples, budgets: [Int]) throws(CodecError) -> EncodedFrame {
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
        let (planes, choice) = try transform.forward(samples, validity: validity, budgets: budgets)
        do throws(CodecError) {
            let frame = try encode(planes, choice, validity, tokens, budgets: budgets)
            if frame.isComplete { return frame }
            // A layer had no room for its rotations: without them, rather than with coefficients that nobody can place.
            let plain = choice.withoutRotations
            return try encode(
                transform.forward(samples, validity: validity, choice: plain), plain, validity, tokens, budgets: budgets
            )
        } catch {
            // What a fitted basis sends beside the mode may be what is too much.
            guard case .overBudget = error, !choice.parameters.isEmpty else { throw error }
            let (planes, choice) = try transform.forward(samples, validity: validity, budgets: [0])
            return try encode(planes, choice, validity, tokens, budgets: budgets)
        }
    }

    /// Valid samples that lie so far beyond the profile's peak (about 105 times) that they will be clipped; 0 for a verbatim
    /// stream. Costs a pass over the samples where their type can hold such numbers. Throws as `encode`.
    public func clippedCount(_ samples: Samples) throws(CodecError) -> Int {
        guard let transform else { return 0 }
        return transform.clippedCount(samples, validity: try transform.validity(of: samples))
    }

    func encode(
        _ planes: Planes, _ choice: SpectralChoice, _ validity: Validity, _ tokens: TokenEncoder, budgets: [Int]
    ) throws(CodecError) -> EncodedFrame {
        let head = FrameHead(choice: choice, hasMask: !validity.isAllValid)
        return try tokens.encode(
            reals: planes.values, scale: FrameHead.factors[head.scale], validity: validity, head: head.pack(),
            records: TileRecords(choice, bands: planes.components, levels: tokens.levels),
            budgets: budgets)
    }
}

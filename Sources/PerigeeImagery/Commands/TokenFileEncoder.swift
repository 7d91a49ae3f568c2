import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeTools

/// Encodes one frame to a token file whose size as a whole is bounded.
struct TokenFileEncoder {
    /// What bounds the file.
    enum Limit {
        case ratio(Double)
        case size(Int)
        /// 300x, but the smallest possible size where that is larger.
        case standard

        /// What --ratio and --bytes say.
        init(_ arguments: Arguments) throws(CommandFailure) {
            switch (arguments.number("ratio"), arguments.integer("bytes")) {
            case (.some, .some):
                throw CommandFailure(.usage, "--ratio and --bytes exclude each other: give one of them")
            case (.some(let ratio), nil): self = .ratio(ratio)
            case (nil, .some(let size)): self = .size(size)
            case (nil, nil): self = .standard
            }
        }

        /// Octets of the file at most, for so many octets of samples.
        func size(rawSize: Int) -> Int {
            switch self {
            case .ratio(let ratio): Int((Double(rawSize) / ratio).rounded(.down))
            case .size(let size): size
            case .standard: Int((Double(rawSize) / Double(EncodeCommand.defaultRatio)).rounded(.down))
            }
        }
    }

    /// A token file, and whether the standard target could not be met.
    struct Result {
        var file: TokenFile
        var isOverBudget = false
        /// Samples that the format clips.
        var clippedCount = 0
        /// Octets of the residual layer.
        var residualSize = 0
    }

    let declaration: StreamDeclaration
    let metadata: FrameMetadata
    var stream: StreamDescription { encoder.stream }
    /// What frames are predicted from, where that helps.
    var history: ReferenceFiles.Choice?
    private let samples: Samples
    private let epoch: Epoch
    private let encoder: FrameEncoder

    /// `lanes`: threads that work on tiles. `isLossless`: singles travel verbatim, since the transform cannot bring them back
    /// to the last bit.
    init(
        _ input: InputFrame, bundle: FirmwareBundle, model: CodecModel, lanes: Int, isLossless: Bool = false
    ) throws(CodecError) {
        samples = input.frame.samples
        let stream: StreamDescription
        do throws(FormatError) {
            var (declaration, metadata) = try StreamDeclaration.declare(
                input.frame.description, shape: samples, profile: input.profile, firmware: bundle.id,
                profiles: bundle.profiles)
            if isLossless, samples.type == .float32 { declaration.coding = .verbatim }
            (self.declaration, self.metadata) = (declaration, metadata)
            stream = try StreamDescription(declaration, profiles: bundle.profiles)
            epoch = try Epoch(bytes: SHA256.digest(samples.bytes).prefix(Epoch.size))
        } catch {
            throw .format(error)
        }
        encoder = try FrameEncoder(model: model, stream: stream, lanes: lanes)
    }

    /// Encodes within the limit, or throws `overBudget` with sizes of the whole file.
    func encode(_ limit: Limit) throws(CodecError) -> Result {
        let size = limit.size(rawSize: samples.bytes.count)
        let clipped = try encoder.clippedCount(samples)
        let layered = layeredBudgets(size)
        if layered.count > 1, let file = try? file(layered, within: size) {
            return Result(file: file, clippedCount: clipped)
        }
        do throws(CodecError) {
            let budget = max(0, size - overhead(layers: 1, size: size))
            return Result(file: try file([budget], within: size), clippedCount: clipped)
        } catch {
            guard case .overBudget(_, let smallest) = error else { throw error }
            // The codec speaks of tokens, a verbatim frame of the whole file.
            let isWhole = declaration.coding == .verbatim
            guard case .standard = limit else {
                throw .overBudget(
                    budget: size, smallest: isWhole ? smallest : smallest + overhead(layers: 1, size: smallest))
            }
            let frame = try encoder.encode(samples, budgets: [isWhole ? Int.max / 4 : smallest])
            return Result(file: file(frame), isOverBudget: true, clippedCount: clipped)
        }
    }

    /// Encodes with a residual layer above layers within `limit`; where the default limit cannot be met, above the smallest.
    func encode(_ limit: Limit, _ fidelity: Fidelity) throws(CodecError) -> Result {
        let bound = try fidelity.bound(of: encoder.stream)
        let raw = samples.bytes.count
        let target: Double =
            switch limit {
            case .ratio(let ratio): ratio
            case .size(let size): Double(raw) / Double(size)
            case .standard: LayerLadder.ratioBelowResidual
            }
        let frame: EncodedFrame
        do throws(CodecError) {
            let budgets = LayerLadder.budgets(rawSize: raw, target: target, overhead: 0)
            frame = try encoder.encode(samples, budgets: budgets, reference: history?.reference, bound: bound)
        } catch {
            guard case .overBudget(_, let smallest) = error, case .standard = limit else { throw error }
            frame = try encoder.encode(samples, budgets: [smallest], bound: bound)
        }
        let residualSize = declaration.coding == .verbatim ? 0 : frame.layers.last?.count ?? 0
        // what the transform clips the residual brings back
        return Result(file: file(frame), residualSize: residualSize)
    }

    /// Budgets of tokens for the layers of a file of `size` octets. The count of layers decides what stands beside them.
    private func layeredBudgets(_ size: Int) -> [Int] {
        func budgets(_ count: Int) -> [Int] {
            LayerLadder.budgets(
                rawSize: samples.bytes.count, size: size, overhead: overhead(layers: count, size: size))
        }
        return budgets(budgets(TokenFile.layerLimit).count)
    }

    /// Octets beside tokens of a file with as many layers, none larger than `size`.
    private func overhead(layers: Int, size: Int) -> Int {
        file([[UInt8]](repeating: [], count: layers), isPredicted: history != nil).overhead
            + layers * (Varint.size(size) - 1)
    }

    private func file(_ budgets: [Int], within size: Int) throws(CodecError) -> TokenFile {
        let file = file(try encoder.encode(samples, budgets: budgets, reference: history?.reference))
        let smallest = file.overhead + file.layers.reduce(0) { $0 + $1.count }
        guard smallest <= size else { throw .overBudget(budget: size, smallest: smallest) }
        return file
    }

    private func file(_ frame: EncodedFrame) -> TokenFile { file(frame.layers, isPredicted: frame.isPredicted) }

    private func file(_ layers: [[UInt8]], isPredicted: Bool) -> TokenFile {
        var metadata = metadata
        metadata.references = isPredicted ? history?.named : nil
        return TokenFile(
            epoch: epoch, declaration: declaration, frame: 0, metadata: metadata, layers: layers.map { $0[...] })
    }
}

import PerigeeCodec
import PerigeeCore
import PerigeeMemory

/// Decodes remembered frames and puts references together of them.
struct HistoryDecoder {
    /// A frame that is to be predicted.
    typealias Target = (declaration: StreamDeclaration, metadata: FrameMetadata)

    private let frames: [UInt64: RememberedFrame]
    private let profiles: [SensorProfile]
    private let model: CodecModel
    private let sampleLimit: Int
    private var decoded: [MemoryReference: (samples: Samples, stream: StreamDescription)] = [:]

    /// Frames that are tried as the first of a reference: the nearest one to the new frame is taken, so that a cloud is none.
    private static let trials = 2

    private enum Failure: Error {
        case missing(MemoryReference)
        case depth
    }

    init(_ frames: [UInt64: RememberedFrame], profiles: [SensorProfile], model: CodecModel, sampleLimit: Int) {
        self.frames = frames
        self.profiles = profiles
        self.model = model
        self.sampleLimit = sampleLimit
    }

    /// The reference that these frames make.
    mutating func reference(_ names: [MemoryReference], mix: Int = 0, for target: Target) throws -> FrameReference {
        try reference(names, mix: mix, for: target, depth: 0)
    }

    /// The reference that suits a frame best: the likest of the first candidates that cover as much of it as any, mixed with
    /// the other one where that comes nearer, and behind it further ones as far as they show more.
    mutating func best(
        _ candidates: [MemoryCandidates.Candidate],
        for frame: (assignment: StreamTable.Assignment, metadata: FrameMetadata, samples: Samples),
        encoder: FrameEncoder
    ) throws -> PlaceHistory.Known? {
        let target = (declaration: frame.assignment.stream, metadata: frame.metadata)
        var tried: [(candidate: MemoryCandidates.Candidate, reference: FrameReference, unlikeness: Double)] = []
        for candidate in candidates.prefix(Self.trials) {
            let made = try reference([candidate.reference], for: target)
            guard made.coverage > 0 else { continue }
            tried.append((candidate, made, try encoder.unlikeness(of: made, to: frame.samples)))
        }
        tried.sort {
            ($1.reference.coverage, $0.unlikeness) < ($0.reference.coverage, $1.unlikeness)
        }
        guard let first = tried.first else { return nil }
        var (names, mix, reference) = ([first.candidate.reference], 0, first.reference)
        // what is much deeper would bring the chain nearer to its end
        if let second = tried.dropFirst().first, second.candidate.depth <= first.candidate.depth + 1 {
            let quarters = try encoder.quarters(of: second.reference, beside: first.reference, to: frame.samples)
            let both = [first.candidate.reference, second.candidate.reference]
            let isSecond = quarters > FrameReference.mixLimit
            mix = isSecond ? 4 - quarters : quarters
            if quarters > 0 {
                names = mix == 0 ? [both[1]] : isSecond ? both.reversed() : both
                reference = try self.reference(names, mix: mix, for: target)
            }
        }
        for name in candidates.map(\.reference) where reference.coverage < 1 && !names.contains(name) {
            let more = try self.reference(names + [name], mix: mix, for: target)
            if more.coverage > reference.coverage { (names, reference) = (names + [name], more) }
        }
        let named = names.map {
            FrameMetadata.Reference(back: frame.assignment.frame - $0.frame, layers: $0.layers)
        }
        return PlaceHistory.Known(
            reference: reference, names: FrameMetadata.References(frames: named, mix: mix, hash: reference.hash),
            frames: names,
            earlier: names.compactMap { name in
                guard let known = decoded[name], let frame = frames[name.frame] else { return nil }
                return EarlierLook(samples: known.samples, stream: known.stream, metadata: frame.metadata)
            })
    }

    private mutating func reference(
        _ names: [MemoryReference], mix: Int, for target: Target, depth: Int
    ) throws -> FrameReference {
        var parts: [FrameReference.Part] = []
        for name in names {
            guard let frame = frames[name.frame], frame.layers.count >= name.layers else { throw Failure.missing(name) }
            guard let offset = GridOffset(of: (frame.declaration, frame.metadata), in: target) else { continue }
            let known = try decode(name, frame, depth: depth + 1)
            parts.append(
                FrameReference.Part(
                    samples: known.samples, stream: known.stream, row: offset.row, column: offset.column))
        }
        let stream = try StreamDescription(target.declaration, profiles: profiles)
        return try FrameReference(parts, mix: mix, of: stream, model: model)
    }

    private mutating func decode(
        _ name: MemoryReference, _ frame: RememberedFrame, depth: Int
    ) throws -> (samples: Samples, stream: StreamDescription) {
        if let known = decoded[name] { return known }
        guard depth <= FrameMetadata.References.depthLimit else { throw Failure.depth }
        let stream = try StreamDescription(frame.declaration, profiles: profiles)
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: 1, sampleLimit: sampleLimit)
        let its =
            frame.references.isEmpty
            ? nil
            : try reference(
                frame.references, mix: frame.metadata.references?.mix ?? 0,
                for: (frame.declaration, frame.metadata), depth: depth)
        let layers = frame.layers.prefix(name.layers).map { $0[...] }
        let made = (samples: try decoder.decode(layers: layers, reference: its), stream: stream)
        decoded[name] = made
        return made
    }
}

public import PerigeeCodec
public import PerigeeCore

/// Finds the frames that a reference of a frame may mean: the one whose number it names, or, where only the hash tells (back
/// is 0), all that there are, best first.
public typealias FrameFinder = (
    _ reference: FrameMetadata.Reference, _ frame: TokenFile
) throws(ProductError) -> [TokenFile]

/// Earlier frames that were decoded on the way to one reference.
struct DecodedParts {
    var found: [(file: TokenFile, layers: Int, samples: Samples)] = []
}

extension StreamDecoder {
    /// What the frame of `file` was predicted from, with what that was predicted from in turn; nil of a plain frame. Throws
    /// `missingReference` where an earlier frame is not to be had, and `differingReference` where none gives the hash.
    public mutating func reference(
        of file: TokenFile, earlier find: FrameFinder
    ) throws(ProductError) -> FrameReference? {
        var decoded = DecodedParts()
        return try reference(of: file, depth: 0, find, &decoded)
    }

    /// An earlier frame as a part of the reference of a new one: decoded from its first layers. nil where it says nothing of
    /// the new frame's ground.
    public mutating func part(
        of file: TokenFile, layers: Int, in frame: (declaration: StreamDeclaration, metadata: FrameMetadata),
        earlier find: FrameFinder
    ) throws(ProductError) -> FrameReference.Part? {
        var decoded = DecodedParts()
        return try part(of: file, layers: layers, in: frame, depth: 1, find, &decoded)
    }

    /// How many layers of a file count where it serves as history: what is coarse enough, never a residual layer.
    public mutating func rememberedCount(of file: TokenFile) throws(ProductError) -> Int {
        let stream = try stream(file.declaration)
        let rawSize: Int
        do throws(FormatError) { rawSize = try stream.rawSize(limit: .max) } catch { throw .format(error) }
        let count = LayerLadder.rememberedCount(sizes: file.layers.map(\.count), rawSize: rawSize)
        guard count == file.layers.count, count > 1 else { return count }
        let decoder = try decoder(file.declaration)
        do throws(CodecError) {
            let isPredicted = file.metadata.references != nil
            let account = try decoder.account(layers: file.layers, isPredicted: isPredicted)
            return account.residual > 0 ? count - 1 : count
        } catch { throw .codec(error) }
    }

    /// `depth`: how many predictions lie between the frame that is wanted and this one.
    private mutating func reference(
        of file: TokenFile, depth: Int, _ find: FrameFinder, _ decoded: inout DecodedParts
    ) throws(ProductError) -> FrameReference? {
        guard let references = file.metadata.references else { return nil }
        guard depth < FrameMetadata.References.depthLimit else {
            throw .deepReference(of: file.identity, limit: FrameMetadata.References.depthLimit)
        }
        var choices: [[TokenFile]] = [[]]
        for reference in references.frames {
            let candidates = try find(reference, file).filter { $0.layers.count >= reference.layers && $0 != file }
            choices = choices.flatMap { chosen in
                candidates.filter { !chosen.contains($0) }.map { chosen + [$0] }
            }
        }
        guard !choices.isEmpty else { throw .missingReference(of: file.identity, hash: references.hash) }
        var failure: ProductError?
        for chosen in choices {
            do throws(ProductError) {
                let made = try assemble(chosen, references, file, depth: depth, find, &decoded)
                if made.hash == references.hash { return made }
            } catch { failure = failure ?? error }
        }
        throw failure ?? .differingReference(of: file.identity, hash: references.hash)
    }

    private mutating func assemble(
        _ chosen: [TokenFile], _ references: FrameMetadata.References, _ file: TokenFile, depth: Int,
        _ find: FrameFinder, _ decoded: inout DecodedParts
    ) throws(ProductError) -> FrameReference {
        var parts: [FrameReference.Part] = []
        for (earlier, reference) in zip(chosen, references.frames) {
            let part = try part(
                of: earlier, layers: reference.layers, in: (file.declaration, file.metadata), depth: depth + 1, find,
                &decoded)
            if let part { parts.append(part) }
        }
        let model = try model(file.declaration.firmware)
        let stream = try stream(file.declaration)
        do throws(CodecError) {
            return try FrameReference(parts, mix: references.mix, of: stream, model: model)
        } catch { throw .codec(error) }
    }

    private mutating func part(
        of file: TokenFile, layers: Int, in frame: (declaration: StreamDeclaration, metadata: FrameMetadata),
        depth: Int, _ find: FrameFinder, _ decoded: inout DecodedParts
    ) throws(ProductError) -> FrameReference.Part? {
        guard let offset = GridOffset(of: (file.declaration, file.metadata), in: frame) else { return nil }
        let stream = try stream(file.declaration)
        let samples: Samples
        if let known = decoded.found.first(where: { $0.layers == layers && $0.file == file }) {
            samples = known.samples
        } else {
            let reference = try reference(of: file, depth: depth, find, &decoded)
            let kept = Array(file.layers.prefix(layers))
            samples =
                try decode(file.declaration, metadata: file.metadata, layers: kept, reference: reference).frame.samples
            decoded.found.append((file, layers, samples))
        }
        return FrameReference.Part(samples: samples, stream: stream, row: offset.row, column: offset.column)
    }
}

extension TokenFile {
    /// What errors call the frame.
    public var identity: String { "\(epoch.text)-\(frame)" }
}

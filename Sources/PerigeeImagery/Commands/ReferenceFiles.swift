import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeProducts
import PerigeeTools

/// The token files of `--reference`: what a frame is predicted from, best first, and what these were predicted from.
struct ReferenceFiles {
    /// Under the names that errors give them.
    var files: [(path: String, file: TokenFile)]
    private var decoder: StreamDecoder

    /// What an encoder may predict from.
    struct Choice {
        let reference: FrameReference
        let named: FrameMetadata.References
        /// The files that show something of the frame's ground.
        let paths: [String]
    }

    /// Files that are at hand.
    init(_ files: [(path: String, file: TokenFile)], _ library: Library) {
        self.files = files
        decoder = StreamDecoder(
            store: FirmwareStore(directory: library.storeFolder), sizeLimit: FrameDecoder.sampleLimit)
    }

    /// Reads the files that the arguments name.
    init(_ arguments: Arguments, _ library: Library) throws(CommandFailure) {
        let paths = arguments.texts("reference")
        guard paths.count <= ReferenceOption.limit else {
            throw CommandFailure(
                .usage,
                "--reference is given \(paths.count) times, expected at most \(ReferenceOption.limit): "
                    + "give the latest frames of the place and what they were predicted from")
        }
        var files: [(path: String, file: TokenFile)] = []
        for path in paths {
            let octets = try FileOctets.read(path, limit: DecodeCommand.fileLimit)
            do throws(FormatError) { files.append((path, try TokenFile(parsing: octets))) } catch {
                throw CommandFailure(.data, "\(path): \(error)")
            }
        }
        self.init(files, library)
    }

    /// What `file`, read from `path`, was predicted from; nil of a plain frame.
    mutating func reference(of file: TokenFile, path: String) throws(CommandFailure) -> FrameReference? {
        let files = files
        do throws(ProductError) {
            return try decoder.reference(of: file) { reference, frame in Self.find(reference, frame, files) }
        } catch { throw failure(error, path: path) }
    }

    /// The reference that the files make of a frame that is to be encoded: those that show no sample which others before
    /// them do not are left out, as they may be there for others' sake. nil where none of them shows anything.
    mutating func choice(
        for frame: (declaration: StreamDeclaration, metadata: FrameMetadata), _ stream: StreamDescription,
        model: CodecModel
    ) throws(CommandFailure) -> Choice? {
        var parts: [FrameReference.Part] = []
        var best: Choice?
        for (path, file) in files where parts.count < FrameMetadata.References.limit {
            guard let (part, layers) = try part(file, path: path, of: frame) else { continue }
            let reference: FrameReference
            do throws(CodecError) {
                reference = try FrameReference(parts + [part], of: stream, model: model)
            } catch { throw CommandFailure(error, file: path) }
            guard reference.coverage > best?.reference.coverage ?? 0 else { continue }
            parts.append(part)
            let frames = (best?.named.frames ?? []) + [FrameMetadata.Reference(back: 0, layers: layers)]
            best = Choice(
                reference: reference, named: FrameMetadata.References(frames: frames, hash: reference.hash),
                paths: (best?.paths ?? []) + [path])
        }
        return best
    }

    private mutating func part(
        _ file: TokenFile, path: String, of frame: (declaration: StreamDeclaration, metadata: FrameMetadata)
    ) throws(CommandFailure) -> (FrameReference.Part, layers: Int)? {
        let files = files
        do throws(ProductError) {
            let layers = try decoder.rememberedCount(of: file)
            let part = try decoder.part(of: file, layers: layers, in: frame) { reference, frame in
                Self.find(reference, frame, files)
            }
            return part.map { ($0, layers) }
        } catch { throw failure(error, path: path) }
    }

    private static func find(
        _ reference: FrameMetadata.Reference, _ frame: TokenFile, _ files: [(path: String, file: TokenFile)]
    ) -> [TokenFile] {
        let known = files.map(\.file)
        guard reference.back > 0 else { return known }
        return known.filter {
            $0.epoch == frame.epoch && frame.frame >= reference.back && $0.frame == frame.frame - reference.back
        }
    }

    /// Names the file that an error is about: the one at `path`, or the one of the frames behind it.
    private func failure(_ error: ProductError, path: String) -> CommandFailure {
        let identity: String? =
            switch error {
            case .missingReference(let frame, _), .differingReference(let frame, _), .deepReference(let frame, _): frame
            default: nil
            }
        let named = files.first { $0.file.identity == identity && $0.file.metadata.references != nil }?.path ?? path
        let code: ExitCode =
            switch error {
            case .unknownFirmware, .unusableFirmware: .config
            default: .data
            }
        let remedy = identity == nil ? "" : ", --reference FILE for each"
        return CommandFailure(code, "\(named): \(error)\(remedy)")
    }
}

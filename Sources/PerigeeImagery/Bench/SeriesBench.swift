import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeQuality
import PerigeeTools

/// A series of frames of one place in closed loop: each encoded alone, and from the latest ones as a decoder has them.
struct SeriesBench {
    /// One date.
    struct Date {
        let path: String
        let time: Timestamp?
        /// Days since the frame that it is predicted from, else since the latest one.
        let gap: Double?
        /// Octets of both files, and dB; nil where every sample came back.
        let bytes: (plain: Int, predicted: Int)
        let psnr: (plain: Double?, predicted: Double?)
        /// The file that it is predicted from.
        let reference: String?
        /// It is a key: the chain was full, or there was nothing before it.
        let isKey: Bool
    }

    /// A frame that later ones may be predicted from.
    private struct Remembered {
        let path: String
        let time: Timestamp?
        let file: TokenFile
        /// What decoding it needs.
        let behind: [(path: String, file: TokenFile)]
    }

    private let bundle: FirmwareBundle
    private let model: CodecModel
    private let limit: TokenFileEncoder.Limit
    private let lanes: Int
    private var references: ReferenceFiles
    /// The latest, newest first.
    private var remembered: [Remembered] = []

    init(
        library: Library, limit: TokenFileEncoder.Limit, lanes: Int
    ) throws(CommandFailure) {
        references = ReferenceFiles([], library)
        bundle = try library.bundle()
        model = try Library.model(bundle)
        self.limit = limit
        self.lanes = lanes
    }

    /// Encodes the next date; nil where it travels losslessly, which leaves nothing to predict.
    mutating func add(_ input: InputFrame, path: String) throws -> Date? {
        let encoder = try TokenFileEncoder(input, bundle: bundle, model: model, lanes: lanes)
        guard encoder.declaration.coding == .tokens else { return nil }
        let plain = try encoder.encode(limit).file
        let alone = try psnr(plain, input, nil)
        var best = (file: plain, psnr: alone, from: Remembered?.none)
        let isFull = remembered.first.map { $0.behind.count >= FrameMetadata.References.depthLimit - 1 } ?? true
        if !isFull {
            for candidate in remembered where candidate.behind.count < FrameMetadata.References.depthLimit {
                guard let (file, psnr) = try predicted(encoder, input, candidate) else { continue }
                // without an error there is nothing left to gain
                if let before = best.psnr, psnr ?? .infinity > before { best = (file, psnr, candidate) }
            }
        }
        let earlier = best.from ?? remembered.first
        let date = Date(
            path: path, time: input.frame.description.datetime, gap: days(input, since: earlier?.time),
            bytes: (plain.size, best.file.size), psnr: (alone, best.psnr), reference: best.from?.path, isKey: isFull)
        let behind = best.from.map { [($0.path, $0.file)] + $0.behind } ?? []
        remembered.insert(
            Remembered(path: path, time: date.time, file: best.file, behind: behind), at: 0)
        remembered = Array(remembered.prefix(FrameMetadata.References.limit))
        return date
    }

    /// The frame from one earlier one; nil where that is of no use.
    private mutating func predicted(
        _ plain: TokenFileEncoder, _ input: InputFrame, _ earlier: Remembered
    ) throws -> (file: TokenFile, psnr: Double?)? {
        var encoder = plain
        references.files = [(earlier.path, earlier.file)] + earlier.behind
        encoder.history = try references.choice(
            for: (encoder.declaration, encoder.metadata), encoder.stream, model: model)
        guard let history = encoder.history, let file = try? encoder.encode(limit).file,
            file.metadata.references != nil
        else { return nil }
        return (file, try psnr(file, input, history.reference))
    }

    private func psnr(_ file: TokenFile, _ input: InputFrame, _ reference: FrameReference?) throws -> Double? {
        let stream = try StreamDescription(file.declaration, profiles: bundle.profiles)
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: lanes)
        let samples = try decoder.decode(layers: file.layers, reference: reference)
        let psnr = try CompareCommand.measure(input, samples, peak: nil).psnr
        return psnr?.isFinite == true ? psnr : nil
    }

    private func days(_ input: InputFrame, since time: Timestamp?) -> Double? {
        guard let time, let now = input.frame.description.datetime else { return nil }
        return Double(now.milliseconds - time.milliseconds) / 86_400_000
    }
}

extension TokenFile {
    /// Octets of the file.
    var size: Int { overhead + layers.reduce(0) { $0 + $1.count } }
}

import PerigeeCodec
import PerigeeCore
import PerigeeQuality
import PerigeeTools

extension TokenFileEncoder {
    /// Octets of a file from which on those of its references, about six, decide nothing.
    private static let looseSize = 2_000

    /// Encodes `input`, from which this encoder was made, with its history where the whole file is the better for it: the
    /// references themselves take octets. Throws as `encode`.
    func encodeBest(
        _ limit: Limit, _ fidelity: Fidelity, _ input: InputFrame, model: CodecModel
    ) throws(CodecError) -> Result {
        var plain = self
        plain.history = nil
        guard history != nil else { return try plain.encodeAny(limit, fidelity) }
        let predicted: Result
        do throws(CodecError) { predicted = try encodeAny(limit, fidelity) } catch {
            guard case .overBudget = error else { throw error }
            return try plain.encodeAny(limit, fidelity)
        }
        guard predicted.file.metadata.references != nil else { return try plain.encodeAny(limit, fidelity) }
        let isTight = predicted.file.size < Self.looseSize
        guard isTight || fidelity != .any, let other = try? plain.encodeAny(limit, fidelity) else { return predicted }
        if fidelity != .any { return predicted.file.size < other.file.size ? predicted : other }
        let decoder = try FrameDecoder(model: model, stream: stream, lanes: 1)
        let errors = (
            predicted: try decoder.error(predicted.file, input, history?.reference),
            plain: try decoder.error(other.file, input, nil)
        )
        return errors.predicted <= errors.plain ? predicted : other
    }

    private func encodeAny(_ limit: Limit, _ fidelity: Fidelity) throws(CodecError) -> Result {
        try fidelity == .any ? encode(limit) : encode(limit, fidelity)
    }
}

extension FrameDecoder {
    /// Mean squared error of the file's frame; 0 where nothing can be measured.
    fileprivate func error(
        _ file: TokenFile, _ input: InputFrame, _ reference: FrameReference?
    ) throws(CodecError) -> Double {
        let samples = try decode(layers: file.layers, reference: reference)
        return (try? CompareCommand.measure(input, samples, peak: nil))?.meanSquaredError ?? 0
    }
}

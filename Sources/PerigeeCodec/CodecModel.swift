public import PerigeeCore

/// Everything learned that the codec needs, out of the tensors of a firmware bundle.
public struct CodecModel: Sendable {
    /// Spectral covariances and means by wavelength.
    package let spectral: SpectralModel
    /// Start values of the token coder.
    package let tables: ContextTables
    /// Prediction from history.
    package let history: PredictionModel

    /// Checks shapes, limits and values; unknown tensors are left alone.
    public init(tensors: [String: Tensor]) throws(CodecError) {
        spectral = try SpectralModel(tensors: tensors)
        tables = try ContextTables(tensors: tensors)
        history = try PredictionModel(tensors: tensors, plain: tables)
    }
}

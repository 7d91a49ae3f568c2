package import PerigeeCore

extension FrameEncoder {
    /// As `encode(_:budgets:)` under a basis that the caller names in the encoder's stead: for comparisons of bases.
    package func encode(
        _ samples: Samples, budgets: [Int], choice: SpectralChoice
    ) throws(CodecError) -> EncodedFrame {
        guard let transform, let tokens else {
            throw .unusable(field: "stream", found: "verbatim", expected: "a stream of tokens: it alone has a basis")
        }
        guard !budgets.isEmpty else {
            throw .unusable(field: "budgets", found: "none", expected: "one or more, coarse to fine")
        }
        let validity = try transform.validity(of: samples)
        let planes = try transform.forward(samples, validity: validity, choice: choice)
        return try encode(
            planes, choice, validity, tokens, budgets: budgets.map { min(max($0, 0), Self.budgetLimit) })
    }
}

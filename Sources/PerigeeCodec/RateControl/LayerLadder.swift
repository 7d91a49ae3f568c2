public import PerigeeCore

/// The ratios at which a stream has layer borders, coarse to fine. Design: every frame is cut at the same few places, so
/// that a receiver can ask for "the layers up to 300x".
public enum LayerLadder {
    /// Raw octets over all octets of the frame.
    public static let ratios: [Double] = [10_000, 3_000, 1_000, 300, 100, 30, 10]

    /// Where transform layers end below a residual layer, unless the caller says so (decision 0013).
    public static let ratioBelowResidual: Double = 1_000

    /// Cumulative payload budgets in octets for every ladder ratio coarser than `target`, then for `target` itself.
    /// `overhead` is what the frame takes beside its payload (headers, checksums); a layer that it leaves no room for
    /// has budget 0 and will be empty. `target` below 1 counts as 1.
    public static func budgets(rawSize: Int, target: Double, overhead: Int) -> [Int] {
        let target = target.isNaN ? 1 : max(1, target)
        return (ratios.filter { $0 > target } + [target]).map { ratio in
            max(0, Int((Double(rawSize) / ratio).rounded(.down)) - overhead)
        }
    }

    /// The same for a size in octets instead of a ratio: ladder layers that are smaller than `size`, then `size`.
    public static func budgets(rawSize: Int, size: Int, overhead: Int) -> [Int] {
        let whole = max(0, size - overhead)
        let coarser = ratios.map { max(0, Int((Double(rawSize) / $0).rounded(.down)) - overhead) }
        return coarser.filter { $0 < whole } + [whole]
    }

    /// The finest ratio at which a frame serves as history of later ones.
    public static let rememberedRatio: Double = 100

    /// How many of a frame's layers, of these sizes, count where it serves as history: through the finest at 100x or
    /// coarser, at least one.
    public static func rememberedCount(sizes: [Int], rawSize: Int) -> Int {
        var total = 0
        let count = sizes.prefix { size in
            total += size
            return Double(total) * rememberedRatio <= Double(rawSize)
        }.count
        return max(count, 1)
    }

    /// The ratio from which on a predicted frame shows its history more than its day: a change of 10 x 10 samples
    /// cannot survive there.
    public static let historyDominatedRatio: Double = 3_000

    /// What products and tools say of a frame that these octets of layers describe: nil where it is plain, `history-dominated` where its
    /// samples take 3,000 times as many octets or more, else `predicted`.
    public static func history(of metadata: FrameMetadata, layerSize: Int, rawSize: Int) -> String? {
        guard metadata.references != nil else { return nil }
        let isDominated = Double(layerSize) * historyDominatedRatio <= Double(rawSize)
        return isDominated ? "history-dominated" : "predicted"
    }
}

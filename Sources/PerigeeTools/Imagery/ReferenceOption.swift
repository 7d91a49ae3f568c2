package import PerigeeCommandLine

/// `--reference` of `encode` and `decode`.
package enum ReferenceOption {
    /// Files at most: what a frame names, and what these were predicted from.
    package static let limit = 16

    package static let option = Option.values(
        "reference", .file, as: "PREV.pgt",
        help: "A token file of the same ground that the frame is predicted from, or that such a file is")
}

import CPerigeeKernels

/// A compiled copy of the strict kernels. All give the same bits; tests compare them.
package struct StrictPath: Equatable, Sendable {
    package let name: String
    let code: Int32

    /// The plain reference, slow.
    package static let scalar = StrictPath(name: "scalar", code: Int32(perigee_scalar))
    /// The fastest of this machine.
    package static let best: StrictPath = {
        let code = perigee_best_path()
        return all.first { $0.code == code } ?? scalar
    }()
    /// All that this machine can run.
    package static let all: [StrictPath] = [
        scalar,
        StrictPath(name: "portable", code: Int32(perigee_portable)),
        StrictPath(name: "avx2", code: Int32(perigee_avx2)),
        StrictPath(name: "avx512", code: Int32(perigee_avx512)),
    ].filter { perigee_has_path($0.code) == 1 }
}

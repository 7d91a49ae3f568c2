import PerigeeCore

/// Tables of numbers that never change, as pointers for the innermost loops.
struct CoderConstants {
    /// `Cell.rates`.
    let rates: UnsafePointer<Int32>
    /// `EnergyScale.steps`.
    let steps: UnsafePointer<UInt8>
    /// `Logistic.stretch`.
    let stretch: UnsafePointer<Int16>
    /// `Logistic.squash`.
    let squash: UnsafePointer<UInt16>

    /// Lends the tables for the time of `body`.
    static func with<Result>(_ body: (CoderConstants) -> Result) -> Result {
        Cell.rates.withUnsafeBufferPointer { rates in
            EnergyScale.steps.withUnsafeBufferPointer { steps in
                Logistic.stretch.withUnsafeBufferPointer { stretch in
                    Logistic.squash.withUnsafeBufferPointer { squash in
                        let empty = "a table of the coder is empty"
                        return body(
                            CoderConstants(
                                rates: invariant(rates.baseAddress, empty), steps: invariant(steps.baseAddress, empty),
                                stretch: invariant(stretch.baseAddress, empty),
                                squash: invariant(squash.baseAddress, empty)))
                    }
                }
            }
        }
    }
}

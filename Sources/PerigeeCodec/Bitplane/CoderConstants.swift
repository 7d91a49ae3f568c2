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
                        guard let rates = rates.baseAddress, let steps = steps.baseAddress,
                            let stretch = stretch.baseAddress, let squash = squash.baseAddress
                        else { fatalError("the coder's tables are empty") }
                        return body(
                            CoderConstants(rates: rates, steps: steps, stretch: stretch, squash: squash))
                    }
                }
            }
        }
    }
}

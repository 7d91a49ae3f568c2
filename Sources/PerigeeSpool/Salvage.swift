final class Salvage {
    func isOf(_ id: Int64) -> Bool { false }
}
extension Spool {
    func salvageFloor(_ row: EpochRow) -> UInt64? { nil }
    mutating func salvageStep(budget: Int) throws(SpoolError) {}
}

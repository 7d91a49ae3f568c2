// Signs of coefficients that become significant. Source: Docs/packet-format.md section 5.7.
extension PlaneCoder {
    /// Codes the sign and makes the coefficient known to everything around it.
    @inline(never)
    mutating func becomeSignificant(_ index: Int, band: Int, component: Int, row: Int, column: Int) {
        coder.enter(.sign)
        setSignInputs(signs + index, bands[band], component)
        let place = min(bands[band].level, 9) &* 6 &+ ContextTables.componentClass(component)
        let bit = Coder.isDecoder ? 0 : (values[index] > 0 ? 1 : 0)
        let isPositive = mix(bit, count: 3, weights: WeightOffset.sign &+ 4 &* place) != 0
        if Coder.isDecoder && coder.isStopped { return }
        if Coder.isDecoder { values[index] = 1 << Int32(plane) }
        signs[index] = isPositive ? 1 : -1
        status[index] = CoefficientStatus.fresh
        magnitudes[index] = UInt8(BitplaneCode.newMagnitude)
        let flag = component &* bandCount &+ band
        if reached[flag] == 0 { reached[flag] = UInt8(truncatingIfNeeded: plane &+ 1) }
        spread(BitplaneCode.newMagnitude, band: band, component: component, row: row, column: column)
        coder.enter(.significance)
    }

    @inline(__always)
    private func setSignInputs(_ sign: UnsafeMutablePointer<Int8>, _ subband: Subband, _ component: Int) {
        let stride = subband.stride
        let horizontal = Int(sign[-1]) + Int(sign[1])
        let vertical = Int(sign[-stride]) + Int(sign[stride])
        let diagonal =
            Int(sign[-stride - 1]) + Int(sign[-stride + 1]) + Int(sign[stride - 1]) + Int(sign[stride + 1])
        let before = ternary(Int(sign[-componentSize]))
        let after = ternary(Int(sign[componentSize]))
        let inside = ternary(horizontal) * 3 + ternary(vertical)
        let beside = (before * 3 + subband.orientation % 3) * 9
        inputs[0] = ContextOffset.sign &+ inside * 81 + beside + ternary(diagonal) * 3 + after
        let sums = (horizontal + 2) * 5 + vertical + 2
        inputs[1] = ContextOffset.signInside &+ (sums * 4 + subband.orientation) * 2 + (subband.level > 2 ? 1 : 0)
        let others = (before * 3 + ternary(Int(sign[-2 &* componentSize]))) * 3 + after
        inputs[2] = ContextOffset.signComponents &+ others * 12 + min(component, 11)
    }

    @inline(__always)
    private func ternary(_ sum: Int) -> Int { sum > 0 ? 2 : (sum < 0 ? 0 : 1) }
}

// Refinement of magnitudes. Source: Docs/packet-format.md sections 5.7 and 5.8.
extension PlaneCoder {
    /// One more bit of every coefficient that is significant since an earlier plane.
    mutating func refine(_ band: Int) {
        coder.enter(.refinement)
        let subband = bands[band]
        for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
            for row in 0..<subband.rows {
                let start = component &* componentSize &+ subband.offset &+ row &* subband.stride
                for index in start..<start &+ subband.columns where status[index] == CoefficientStatus.significant {
                    refine(index, subband)
                    if Coder.isDecoder && coder.isStopped { return }
                }
                if coder.isStopped { return }
            }
        }
    }

    @inline(__always)
    private mutating func refine(_ index: Int, _ subband: Subband) {
        let level = min(subband.level, 9)
        let around = magnitudes + index
        let (before, after) = (Int(around[-componentSize]), Int(around[componentSize]))
        let known = Int(values[index].magnitude >> UInt32(plane &+ 1))
        let size = known < 4 ? known &- 1 : (known < 8 ? 3 : (known < 16 ? 4 : 5))
        let step = min(step(neighbours(around, stride: subband.stride)) &* 2 / 3, 23)
        let first = ((size &* 2 &+ (before > 8 ? 1 : 0)) &* 24 &+ step) &* 10 &+ level
        let beside = min(self.step(before) / 2, 11) &* 12 &+ min(self.step(after) / 2, 11)
        inputs[0] = ContextOffset.refinement &+ first
        inputs[1] = ContextOffset.refinementComponents &+ beside &* 4 &+ min(size, 3)
        let row = level &* 6 &+ size
        let bit = Coder.isDecoder ? 0 : Int(values[index].magnitude >> UInt32(plane)) & 1
        let decided = mix(bit, count: 2, weights: WeightOffset.refinement &+ 3 &* row)
        if Coder.isDecoder {
            if coder.isStopped { return }
            values[index] |= Int32(decided) << Int32(plane)
        }
        status[index] = CoefficientStatus.refined
    }
}

// Flags of sub-bands. Source: Docs/packet-format.md sections 5.7 and 5.8.
extension PlaneCoder {
    /// Says of a sub-band that is still closed, for each component, whether something in it reaches the threshold.
    mutating func codeFlags(_ band: Int) {
        coder.enter(.flag)
        let subband = bands[band]
        if subband.rows &* subband.columns == 0 { return }
        for component in 0..<components {
            let index = component &* bandCount &+ band
            if isOpen[index] != 0 { continue }
            setFlagInputs(subband, band, component)
            let level = min(subband.level, 9)
            let row = level &* 6 &+ ContextTables.componentClass(component)
            let bit = Coder.isDecoder ? 0 : (Int(planes[index]) > plane ? 1 : 0)
            let decided = mix(bit, count: 4, weights: WeightOffset.flags &+ 5 &* row)
            if Coder.isDecoder {
                if coder.isStopped { return }
                if decided == 0 { planes[index] = UInt8(truncatingIfNeeded: plane) }
            }
            if decided != 0 {
                isOpen[index] = 1
                reached[index] = UInt8(truncatingIfNeeded: plane &+ 1)
            }
        }
    }

    private func setFlagInputs(_ subband: Subband, _ band: Int, _ component: Int) {
        let reached = reached + component &* bandCount
        let number = min(component, 11)
        let height = min(plane, 23)
        let isLow = subband.orientation == Orientation.low.rawValue
        let parent = isLow ? 0 : depth(reached[max(band &- 3, 0)])
        let before = component == 0 ? 0 : depth(reached[band &- bandCount])
        let beside = siblings(reached, band, subband.orientation)
        inputs[0] = ContextOffset.flags &+ (number &* 32 &+ subband.rank) &* 24 &+ height
        inputs[1] = ContextOffset.flagsParent &+ (height &* 12 &+ number) &* 8 &+ min(parent, 7)
        inputs[2] = ContextOffset.flagsNeighbours &+ (min(subband.level, 9) &* 10 &+ parent) &* 10 &+ before
        inputs[3] = ContextOffset.flagsSiblings &+ ((number &* 9 &+ before) &* 9 &+ parent) &* 3 &+ beside
    }

    /// How far above the current plane a sub-band became significant, 0 to 8.
    private func depth(_ reached: UInt8) -> Int { reached == 0 ? 0 : min(max(Int(reached) &- plane, 0), 8) }

    /// What the other orientations say, 0 to 2: those of this level that were flagged before, or the level above.
    private func siblings(_ reached: UnsafeMutablePointer<UInt8>, _ band: Int, _ orientation: Int) -> Int {
        let strength = { (index: Int) -> Int in
            reached[index] == 0 ? 0 : (Int(reached[index]) <= plane &+ 1 ? 1 : 2)
        }
        switch orientation {
        case Orientation.horizontal.rawValue: return band > 3 ? strength(band &- 2) : 0
        case Orientation.vertical.rawValue: return strength(band &- 1)
        case Orientation.diagonal.rawValue: return min(2, strength(band &- 1) &+ (reached[band &- 2] != 0 ? 1 : 0))
        default: return 0
        }
    }
}

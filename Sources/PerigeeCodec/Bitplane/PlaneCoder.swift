import PerigeeCore

/// Runs the decisions of one tile through one end of the binary coder: encoder and decoder are this same code, so that
/// they cannot disagree. Source: Docs/packet-format.md section 5.8.
struct PlaneCoder<Coder: BinaryCoder> {
    var coder: Coder
    /// The plane whose passes run or where the decoder stopped.
    var plane = BitplaneCode.topPlane
    let components: Int
    let componentSize: Int
    let bandCount: Int
    let bands: UnsafeMutablePointer<Subband>
    let values: UnsafeMutablePointer<Int32>
    let magnitudes: UnsafeMutablePointer<UInt8>
    let signs: UnsafeMutablePointer<Int8>
    let status: UnsafeMutablePointer<UInt8>
    let energy: UnsafeMutablePointer<UInt16>
    let isOpen: UnsafeMutablePointer<UInt8>
    let planes: UnsafeMutablePointer<UInt8>
    /// Per component and sub-band: one more than the plane in which it was found to hold something significant, or 0.
    let reached: UnsafeMutablePointer<UInt8>
    let cells: UnsafeMutablePointer<UInt32>
    let weights: UnsafeMutablePointer<Int32>
    /// Cells of the inputs of the next mixed decision, and their log-odds.
    let inputs: UnsafeMutablePointer<Int>
    let logOdds: UnsafeMutablePointer<Int32>
    let constants: CoderConstants

    /// The workspace and the constants must outlive the coder.
    init(coder: Coder, layout: TileLayout, workspace: borrowing TileWorkspace, constants: CoderConstants) {
        self.coder = coder
        components = layout.components
        componentSize = layout.componentSize
        bandCount = layout.subbands.count
        bands = workspace.subbands
        values = workspace.values
        magnitudes = workspace.magnitudes + 2 * layout.componentSize
        signs = workspace.signs + 2 * layout.componentSize
        status = workspace.status
        energy = workspace.energy
        isOpen = workspace.isOpen
        planes = workspace.planes
        reached = workspace.reached
        cells = workspace.cells
        weights = workspace.weights
        inputs = workspace.inputs
        logOdds = workspace.logOdds
        self.constants = constants
    }

    /// All passes of all planes, until the coder stops. `ends` gets, for each sub-band of each pass that ran to its end, the
    /// octets determined by then.
    mutating func run(ends: UnsafeMutablePointer<Int>?) -> Int {
        var position = 0
        while true {
            startPlane()
            for kind in 0..<BitplaneCode.passesPerPlane {
                if kind == 1 { gatherEnergy() }
                for band in 0..<bandCount {
                    codeBand(band, kind: kind)
                    if coder.isStopped { return position }
                    if let ends { ends[position] = coder.count }
                    position += 1
                }
            }
            if plane == 0 { return position }
            plane -= 1
        }
    }

    /// One pass over all components of one sub-band.
    private mutating func codeBand(_ band: Int, kind: Int) {
        switch kind {
        case 0: codeFlags(band)
        case 1: codeSignificance(pass: 0, threshold: BitplaneCode.thresholds.0, band: band)
        case 2: codeSignificance(pass: 1, threshold: BitplaneCode.thresholds.1, band: band)
        case 3: codeSignificance(pass: 2, threshold: BitplaneCode.thresholds.2, band: band)
        case 4: refine(band)
        default: codeSignificance(pass: 3, threshold: 0, band: band)
        }
    }

    /// Turns what happened in the plane before into the state that this plane starts from.
    private mutating func startPlane() {
        for band in 0..<bandCount {
            for component in 0..<components where isOpen[component &* bandCount &+ band] != 0 {
                let subband = bands[band]
                for row in 0..<subband.rows {
                    let start = component &* componentSize &+ subband.offset &+ row &* subband.stride
                    var index = start
                    while index < start &+ subband.columns {
                        if index &+ 8 <= start &+ subband.columns, areInsignificant(index) {
                            index &+= 8
                            continue
                        }
                        defer { index &+= 1 }
                        if status[index] < CoefficientStatus.significant {
                            status[index] = CoefficientStatus.pending
                        } else {
                            status[index] = CoefficientStatus.significant
                            let known = values[index].magnitude >> UInt32(plane &+ 1)
                            magnitudes[index] = UInt8(min(255, 8 &* known &+ 4))
                        }
                    }
                }
                let first = component &* componentSize &+ subband.offset
                energy.advanced(by: first).update(repeating: 0, count: subband.rows &* subband.stride)
            }
        }
    }

    /// Makes eight coefficients pending, unless one of them is significant.
    @inline(__always)
    private func areInsignificant(_ index: Int) -> Bool {
        let states = UnsafeMutableRawPointer(status + index)
        guard states.loadUnaligned(as: UInt64.self) & ~0x0101_0101_0101_0101 == 0 else { return false }
        states.storeBytes(of: 0, as: UInt64.self)
        return true
    }
}

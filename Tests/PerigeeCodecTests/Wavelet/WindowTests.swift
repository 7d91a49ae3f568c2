import PerigeeCodec
import PerigeeTestSupport
import Testing

@Suite("windows of the wavelet")
struct WindowTests {
    /// A window anywhere in a frame; every fourth is a single sample.
    static func window(rows: Int, columns: Int, using generator: inout SeededGenerator) -> FrameWindow {
        let (y, x) = (Int.random(in: 0..<rows, using: &generator), Int.random(in: 0..<columns, using: &generator))
        guard Int.random(in: 0..<4, using: &generator) > 0 else { return FrameWindow(x: x, y: y, width: 1, height: 1) }
        return FrameWindow(
            x: x, y: y, width: Int.random(in: 1...columns - x, using: &generator),
            height: Int.random(in: 1...rows - y, using: &generator))
    }

    private func crop(_ planes: Planes, _ window: FrameWindow) -> [UInt32] {
        (0..<planes.components).flatMap { component in
            (window.y..<window.y + window.height).flatMap { row in
                (window.x..<window.x + window.width).map { planes[component, row, $0].bitPattern }
            }
        }
    }

    private func check(rows: Int, columns: Int, windows: [FrameWindow], seed: UInt64) {
        let coefficients = noise(components: 2, rows: rows, columns: columns, seed: seed)
        var whole = coefficients
        Wavelet(rows: rows, columns: columns).inverse(&whole)
        for window in windows {
            let geometry = WindowGeometry(
                window: window, frame: WaveletGeometry(rows: rows, columns: columns), components: 2)
            let expected = crop(whole, window)
            for path in StrictPath.all {
                let planes = WindowPlanes(geometry, of: coefficients, filler: .nan)
                let part = Wavelet(rows: rows, columns: columns, path: path).inverse(planes)
                guard bits(part) == expected else {
                    Issue.record("\(rows) x \(columns), \(window), \(path.name), seed \(seed)")
                    return
                }
            }
        }
    }

    @Test("any window has the bits of the whole inverse, though all it does not need is NaN", arguments: 0..<250)
    func agrees(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let limit = [2, 9, 40, 130, 600][seed % 5]
        let rows = Int.random(in: 1...limit, using: &generator)
        let columns = Int.random(in: 1...limit, using: &generator)
        let windows = (0..<6).map { _ in Self.window(rows: rows, columns: columns, using: &generator) }
        check(rows: rows, columns: columns, windows: windows, seed: UInt64(seed))
    }

    @Test(
        "every single sample of a small frame alone",
        arguments: [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5), (8, 8), (13, 1), (1, 21), (17, 16)])
    func single(rows: Int, columns: Int) {
        let windows = (0..<rows).flatMap { y in
            (0..<columns).map { FrameWindow(x: $0, y: y, width: 1, height: 1) }
        }
        check(rows: rows, columns: columns, windows: windows, seed: 5)
    }

    @Test("nine levels: at tile borders, in corners, across")
    func nineLevels() {
        let (rows, columns) = (1_030, 1_537)
        #expect(WaveletGeometry(rows: rows, columns: columns).levels == 9)
        let windows = [
            FrameWindow(x: 511, y: 511, width: 1, height: 1), FrameWindow(x: 512, y: 512, width: 1, height: 1),
            FrameWindow(x: 511, y: 0, width: 2, height: 2), FrameWindow(x: 1_536, y: 1_029, width: 1, height: 1),
            FrameWindow(x: 0, y: 1_023, width: 1_537, height: 2), FrameWindow(x: 512, y: 512, width: 512, height: 512),
            FrameWindow(x: 700, y: 3, width: 33, height: 1_000), FrameWindow(x: 0, y: 0, width: 1_537, height: 1_030),
        ]
        check(rows: rows, columns: columns, windows: windows, seed: 9)
    }

    @Test("each coefficient at the ends of what a window needs is one that it depends on", arguments: 0..<60)
    func needsNoMore(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let columns = Int.random(in: 20...300, using: &generator)
        let window = FrameWindow(
            x: Int.random(in: 0..<columns - 8, using: &generator), y: 0,
            width: Int.random(in: 1...8, using: &generator), height: 1)
        let frame = WaveletGeometry(rows: 1, columns: columns)
        let geometry = WindowGeometry(window: window, frame: frame, components: 1)
        for (block, orientation) in geometry.subbands {
            let needed = block.needed(orientation).columns
            guard !needed.isEmpty, !block.needed(orientation).rows.isEmpty else { continue }
            let origin = orientation == .low ? 0 : frame.size(at: block.level).columns
            for place in [needed.lowerBound, needed.upperBound - 1] {
                var planes = Planes(components: 1, rows: 1, columns: columns)
                planes[0, 0, origin + place] = .nan
                Wavelet(rows: 1, columns: columns).inverse(&planes)
                #expect(
                    (window.x..<window.x + window.width).contains { planes[0, 0, $0].isNaN },
                    "seed \(seed): level \(block.level), \(orientation), \(place) of \(needed)")
            }
        }
    }

    @Test("the room is that of the window and its margins, not of the frame")
    func memory() {
        let frame = WaveletGeometry(rows: 60_000, columns: 60_000)
        for side in [1, 64, 512] {
            let window = FrameWindow(x: 30_001, y: 29_999, width: side, height: side)
            let geometry = WindowGeometry(window: window, frame: frame, components: 3)
            #expect(geometry.count < 3 * (4 * (side + 20) * (side + 20) / 3 + 9 * 400))
        }
    }
}

import PerigeeCore
import PerigeeStation
import Testing

@Suite("Raw frames in the spool")
struct RawFrameTests {
    private let frame = RawFrame(
        declaration: 300, metadata: [1, 2, 3], budgets: [0, 20, 5_000], ratios: [10_000, 1_000, 100], aimedLayer: 1,
        hasResidual: true,
        checksum: 0xDEAD_BEEF, samples: [9, 8, 7])

    @Test("a raw frame is read as it was packed")
    func roundTrip() throws {
        #expect(try RawFrame(parsing: frame.packed()) == frame)
        #expect(frame.layerCount == 4)
        var plain = frame
        plain.hasResidual = false
        plain.samples = []
        #expect(try RawFrame(parsing: plain.packed()) == plain)
        #expect(plain.layerCount == 3)
    }

    @Test("a prefix that ends before the samples, and another version, are refused")
    func refuses() {
        let octets = frame.packed()
        for size in 0..<octets.count - frame.samples.count {
            #expect(throws: FormatError.self) { try RawFrame(parsing: Array(octets.prefix(size))) }
        }
        #expect(throws: FormatError.self) { try RawFrame(parsing: [2] + octets.dropFirst()) }
    }

    @Test("the checksum of layers knows where one ends and the next begins")
    func checksum() {
        #expect(RawFrame.checksum(of: [[1, 2], [3]]) != RawFrame.checksum(of: [[1], [2, 3]]))
        #expect(RawFrame.checksum(of: [[1, 2], []]) != RawFrame.checksum(of: [[1, 2]]))
    }
}

import PerigeeCodec
import PerigeeCore
import Testing

@Suite("What the encoder measures of a frame")
struct DistortionTests {
    @Test(
        "the distortion after some layers is that of what they decode to, predicted or not", arguments: [false, true])
    func measures(isPredicted: Bool) throws {
        let pair = try HistoryPair(bands: 4, rows: 70, columns: 45, seed: 3, hasHoles: true)
        let reference = isPredicted ? pair.reference : nil
        let frame = try pair.encoder.encode(pair.new, budgets: [60, 300, 1_200, 6_000], reference: reference)
        #expect(frame.isPredicted == isPredicted)
        var measured: [Double] = []
        var shares: [Double] = []
        for count in 1...frame.layers.count {
            let layers = frame.layers.prefix(count)
            let distortion = try pair.encoder.distortion(of: layers, from: pair.new, reference: reference)
            let decoded = try pair.decoder.decode(layers: layers.map { $0[...] }, reference: reference)
            measured.append(distortion)
            // in another unit, the same for all
            shares.append(distortion / pair.error(decoded))
        }
        #expect(measured == measured.sorted(by: >) && measured[0] > 20 * measured[3])
        let (least, most) = (shares.min() ?? 0, shares.max() ?? 0)
        #expect(least > 0 && most < 1.01 * least, "\(shares)")
    }

    @Test("where nothing was measured, nothing is wrong; a verbatim frame has no error")
    func nothing() throws {
        let pair = try HistoryPair(bands: 2, rows: 9, columns: 8, seed: 5, hasHoles: true)
        let empty = try Samples(
            type: .uint16, bands: 2, rows: 9, columns: 8, bytes: [UInt8](repeating: 0, count: 2 * 2 * 72))
        let frame = try pair.encoder.encode(empty, budgets: [200])
        #expect(try pair.encoder.distortion(of: frame.layers, from: empty) == 0)
        var declaration = pair.stream.declaration
        declaration.coding = .verbatim
        let stream = try StreamDescription(declaration, profiles: [])
        let verbatim = try FrameEncoder(model: model(), stream: stream, lanes: 1)
        let whole = try verbatim.encode(pair.new, budgets: [0])
        #expect(try verbatim.distortion(of: whole.layers, from: pair.new) == 0)
    }
}

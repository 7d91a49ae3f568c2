import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("windows of frames")
struct FrameWindowTests {
    private func check(
        _ decoder: FrameDecoder, _ layers: [ArraySlice<UInt8>], _ windows: [FrameWindow], _ note: String
    ) throws {
        let whole = try decoder.decode(layers: layers)
        for window in windows {
            let part = try decoder.decode(layers: layers, window: window)
            #expect(part.rows == window.height && part.columns == window.width)
            guard part.bytes == crop(whole, window) else {
                Issue.record("\(window) differs, \(note)")
                return
            }
        }
    }

    @Test("a window is the same samples as in the whole frame, masks too, at every prefix", arguments: 0..<28)
    func agrees(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 77)
        let shapes = [(3, 40, 61), (1, 1, 1), (2, 300, 1_300), (2, 1_100, 800), (1, 1, 1_600), (4, 9, 1)]
        let shape = shapes[seed % shapes.count]
        let type = SampleType.allCases[seed % SampleType.allCases.count]
        let (original, nodata) = try samples(
            Pattern.allCases[seed % Pattern.allCases.count], type: type, bands: shape.0, rows: shape.1,
            columns: shape.2, seed: UInt64(seed))
        let peak = type == .uint8 ? 255.0 : (type == .float32 ? 3 : 10_000)
        let stream = try stream(
            bands: bands(shape.0), rows: shape.1, columns: shape.2, type: type, peak: peak, nodata: nodata)
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 2).encode(
            original, budgets: [9_000, 40_000, 400_000])
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
        var windows = (0..<6).map { _ in
            WindowTests.window(rows: shape.1, columns: shape.2, using: &generator)
        }
        windows.append(FrameWindow(x: 0, y: 0, width: shape.2, height: shape.1))
        if shape.2 > 520 { windows.append(FrameWindow(x: 511, y: 0, width: 2, height: 1)) }
        for count in 0...3 {
            try check(decoder, frame.layers.prefix(count).map { $0[...] }, windows, "seed \(seed), \(count) layers")
        }
        let cut = frame.layers.map { $0.prefix(Int.random(in: 0...$0.count, using: &generator)) }
        try check(decoder, cut, windows, "seed \(seed), cut layers")
    }

    @Test("tiles that a window does not name are not looked at; its own is")
    func tiles() throws {
        let (rows, columns) = (512, 512 * 12)
        let (original, nodata) = try samples(.holes, type: .uint16, bands: 1, rows: rows, columns: columns, seed: 3)
        let stream = try stream(bands: bands(1), rows: rows, columns: columns, nodata: nodata)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
        let layer = try FrameEncoder(model: model(), stream: stream, lanes: 2).encode(
            original, budgets: [200_000]
        ).layers[0]
        let window = FrameWindow(x: 5 * 512 + 200, y: 100, width: 60, height: 60)
        #expect(decoder.tileCount == 12)
        let needed = try decoder.tiles(for: window)
        #expect(needed.contains(5) && needed.count < 8)
        let expected = try decoder.decode(layers: [layer[...]], window: window)
        #expect(expected.bytes == crop(try decoder.decode(layers: [layer[...]]), window))
        // Damage all octets of one tile after the other; the table says where they lie.
        var reader = ByteReader(layer.dropFirst(1))
        let bitmap = Array(try reader.read("bitmap", count: 2))
        #expect(bitmap == [255, 15])
        let lengths = try (0..<12).map { _ in try reader.readVarint("length", limit: 1 << 20) }
        var start = layer.count - reader.remaining
        for (tile, length) in lengths.enumerated() {
            var damaged = layer
            for index in start..<start + length { damaged[index] ^= 0x5A }
            start += length
            let part = try decoder.decode(layers: [damaged[...]], window: window)
            // what a far tile adds can be too little to change a sample
            if tile == 5 || !needed.contains(tile) {
                #expect((part == expected) == (tile != 5), "tile \(tile) of \(needed)")
            }
        }
    }

    @Test("a window outside of the frame, or an empty one, is refused by the name of its number")
    func refuses() throws {
        let stream = try stream(bands: bands(2), rows: 30, columns: 50)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
        let bad: [(FrameWindow, String)] = [
            (FrameWindow(x: -1, y: 0, width: 5, height: 5), "window x is -1, expected 0 to 49"),
            (FrameWindow(x: 50, y: 0, width: 1, height: 1), "window x is 50, expected 0 to 49"),
            (FrameWindow(x: 0, y: 30, width: 1, height: 1), "window y is 30, expected 0 to 29"),
            (FrameWindow(x: 0, y: .min, width: 1, height: 1), "window y is \(Int.min), expected 0 to 29"),
            (FrameWindow(x: 10, y: 0, width: 41, height: 1), "window width is 41, expected 1 to 40"),
            (FrameWindow(x: 10, y: 0, width: .max, height: 1), "window width is \(Int.max), expected 1 to 40"),
            (FrameWindow(x: 0, y: 0, width: 0, height: 1), "window width is 0, expected 1 to 50"),
            (FrameWindow(x: 0, y: 29, width: 1, height: 2), "window height is 2, expected 1 to 1"),
            (FrameWindow(x: 0, y: 0, width: 1, height: -3), "window height is -3, expected 1 to 30"),
        ]
        for (window, text) in bad {
            let refusal = try #require(throws: CodecError.self) { try decoder.decode(layers: [], window: window) }
            #expect(refusal.description.hasPrefix(text), "\(refusal)")
            #expect(throws: refusal) { try decoder.tiles(for: window) }
        }
    }

    @Test("a window of a verbatim frame is cut out of it")
    func verbatim() throws {
        let (original, _) = try samples(.noise, type: .int16, bands: 2, rows: 20, columns: 30, seed: 6)
        let profile = SensorProfile(name: "codes", bands: bands(2), sampleType: .int16, peak: 1)
        var declaration = StreamDeclaration(firmware: 1, profile: .inline(profile), rows: 20, columns: 30)
        declaration.coding = .verbatim
        let stream = try StreamDescription(declaration, profiles: [])
        let frame = try FrameEncoder(model: model(), stream: stream, lanes: 1).encode(original, budgets: [1])
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 1)
        let window = FrameWindow(x: 3, y: 4, width: 20, height: 11)
        #expect(try decoder.decode(layers: [frame.layers[0][...]], window: window).bytes == crop(original, window))
        #expect(try decoder.tiles(for: window) == [0] && decoder.tileCount == 1)
    }

    @Test("damaged octets give the window samples or a typed error, never a trap", arguments: 0..<20)
    func damage(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 9_000)
        let (rows, columns) = (300, 1_100)
        let (original, nodata) = try samples(
            Pattern.allCases[seed % 7], type: .uint16, bands: 3, rows: rows, columns: columns, seed: UInt64(seed))
        let stream = try stream(bands: bands(3), rows: rows, columns: columns, nodata: nodata)
        let decoder = try FrameDecoder(model: model(), stream: stream, lanes: 2)
        var layers = try FrameEncoder(model: model(), stream: stream, lanes: 2).encode(
            original, budgets: [5_000, 30_000]
        ).layers
        for _ in 0..<8 {
            let layer = Int.random(in: 0..<2, using: &generator)
            guard !layers[layer].isEmpty else { continue }
            layers[layer][Int.random(in: 0..<layers[layer].count, using: &generator)] ^= 16
        }
        let window = WindowTests.window(rows: rows, columns: columns, using: &generator)
        do throws(CodecError) {
            let whole = try decoder.decode(layers: layers.map { $0[...] })
            #expect(try decoder.decode(layers: layers.map { $0[...] }, window: window).bytes == crop(whole, window))
        } catch {
            #expect(throws: error) { try decoder.decode(layers: layers.map { $0[...] }, window: window) }
        }
    }
}

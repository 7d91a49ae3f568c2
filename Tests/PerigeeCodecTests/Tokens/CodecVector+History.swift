import Foundation
import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport

/// What a predicted golden frame has beside others: what its reference is made of, and what its tiles say of it.
struct HistoryEntry: Codable, Equatable {
    /// An earlier frame with the bands, type and nodata of the new one.
    struct Part: Codable, Equatable {
        var rows: Int
        var columns: Int
        /// Where its first sample lies in the new frame.
        var row: Int
        var column: Int
        var samples: String
    }

    /// One tile's prediction.
    struct Prediction: Codable, Equatable {
        var profile: Int
        /// Quarters, `[10 levels][6 classes]`; absent where the profile's weights count.
        var quarters: String?
        /// Log2 of the sides of blocks less 4, and 0 or 1 for each.
        var blockSize: Int?
        var blocks: String?
        var row: Int
        var column: Int

        init(_ prediction: TilePrediction) {
            profile = prediction.profile
            quarters = prediction.quarters.map { Hex.text($0) }
            blockSize = prediction.map?.sizeIndex
            blocks = prediction.map.map { String($0.isOn.map { $0 ? "1" : "0" }) }
            (row, column) = (prediction.offset.row, prediction.offset.column)
        }

        func prediction(tileRows: Int, tileColumns: Int) -> TilePrediction {
            var prediction = TilePrediction()
            prediction.profile = profile
            prediction.quarters = quarters.flatMap { Hex.bytes($0) }
            prediction.offset = .init(row: row, column: column)
            if let blockSize, let blocks {
                var map = TilePrediction.BlockMap(sizeIndex: blockSize, tileRows: tileRows, tileColumns: tileColumns)
                map.isOn = blocks.map { $0 == "1" }
                prediction.map = map
            }
            return prediction
        }
    }

    var parts: [Part]
    /// Quarters of the second part that shows a place; absent: none.
    var mix: Int?
    /// Of the reference, hexadecimal digits of the number.
    var hash: String
    /// By tile; null where one is not predicted.
    var predictions: [Prediction?]
}

extension CodecVector {
    /// The reference that the parts make; nil for frames without history.
    func reference() throws -> FrameReference? {
        guard let history else { return nil }
        let (own, model) = (try stream, try codecModel)
        let parts = try history.parts.map { part in
            var declaration = own.declaration
            (declaration.rows, declaration.columns) = (part.rows, part.columns)
            let samples = try Samples(
                type: own.sampleType, bands: own.bands.count, rows: part.rows, columns: part.columns,
                bytes: Hex.bytes(part.samples) ?? [])
            return FrameReference.Part(
                samples: samples, stream: try StreamDescription(declaration, profiles: []), row: part.row,
                column: part.column)
        }
        return try FrameReference(parts, mix: history.mix ?? 0, of: own, model: model)
    }

    /// What the tiles are to say; nil for frames without history.
    func tilePredictions(_ grid: TileGrid) -> [TilePrediction?]? {
        history?.predictions.enumerated().map { tile, prediction in
            prediction?.prediction(
                tileRows: grid.rowRange(tile).count, tileColumns: grid.columnRange(tile).count)
        }
    }

    /// Layers of coefficients, under what the tiles say of their prediction.
    func layers(
        coefficients: [Int32], choice: SpectralChoice, validity: Validity, head: [UInt8]
    ) throws -> [[UInt8]] {
        let (stream, model) = (try stream, try codecModel)
        let encoder = TokenEncoder(
            rows: stream.rows, columns: stream.columns,
            levels: WaveletGeometry(rows: stream.rows, columns: stream.columns).levels,
            components: stream.bands.count, tables: model.tables, history: model.history, lanes: 1)
        let records = TileRecords(choice, bands: stream.bands.count, levels: encoder.levels)
        guard let predictions = tilePredictions(encoder.grid) else {
            return try encoder.encode(
                integers: coefficients, validity: validity, head: head, records: records, budgets: budgets
            ).layers
        }
        // cut towards zero as they are
        return try encoder.encode(
            reals: coefficients.map { Float($0) }, scale: 1, validity: validity, head: head, records: records,
            predictions: predictions, budgets: budgets
        ).layers
    }

    /// Coefficients of a frame as its tiles' predictions leave them. Tiles that say nothing yet get what the encoder chooses.
    mutating func predicted(_ original: Samples) throws -> (planes: Planes, choice: SpectralChoice) {
        guard let reference = try reference(), var history else { return try plain(original) }
        history.hash = String(reference.hash, radix: 16)
        defer { self.history = history }
        let model = try codecModel
        let transform = try FrameTransform(stream, model: model.spectral)
        guard !history.predictions.isEmpty else {
            let made = try transform.predict(
                original, from: reference, budget: budgets.last ?? 0, model: model.history)
            history.predictions = made.predictions.map { $0.map { HistoryEntry.Prediction($0) } }
            return (made.coefficients, made.choice)
        }
        var (planes, choice) = try plain(original)
        let grid = TileGrid(rows: rows, columns: columns)
        try transform.apply(
            -1, tilePredictions(grid) ?? [], of: reference, to: &planes, choice: choice, model: model.history)
        return (planes, choice)
    }

    private func plain(_ original: Samples) throws -> (planes: Planes, choice: SpectralChoice) {
        let transform = try FrameTransform(stream, model: codecModel.spectral)
        let validity = try transform.validity(of: original)
        let (planes, choice) = try transform.forward(original, validity: validity, budgets: budgets)
        return (planes, choice)
    }

    /// The head of a frame without a residual layer.
    func head(_ choice: SpectralChoice, _ validity: Validity) -> [UInt8] {
        [UInt8(choice.mode) | (choice.tiles.isEmpty ? 0 : 32) | (validity.isAllValid ? 0 : 64)] + choice.parameters
    }
}

/// Golden frames that are predicted, before they are made.
enum HistoryCases {
    static let untrained: [(name: String, Pattern, SampleType, bands: Int, rows: Int, columns: Int, budgets: [Int])] = [
        ("predicted-one-sample", .scenery, .uint8, 1, 1, 1, [20]),
        ("predicted-scenery", .scenery, .uint16, 4, 23, 17, [30, 200, 900]),
        ("predicted-mask-by-band", .holesByBand, .float32, 2, 9, 14, [200, 700]),
        ("predicted-two-tiles", .scenery, .uint16, 2, 3, 800, [60, 600]),
        ("predicted-said", .scenery, .int16, 5, 36, 41, [500]),
        ("predicted-mixed", .holes, .uint16, 3, 19, 26, [120, 500]),
        ("predicted-lossless", .holes, .uint16, 3, 16, 18, [400]),
    ]

    /// The same pattern on an earlier day, moved by some rows and columns and with other noise; and behind it one more
    /// where the first does not reach.
    static func entry(
        _ name: String, _ pattern: Pattern, _ type: SampleType, bands: Int, rows: Int, columns: Int
    ) throws -> HistoryEntry {
        let make = { (rows: Int, columns: Int, row: Int, column: Int, seed: UInt64) throws -> HistoryEntry.Part in
            let (samples, _) = try samples(
                pattern, type: type, bands: bands, rows: rows, columns: columns, seed: seed)
            return HistoryEntry.Part(
                rows: rows, columns: columns, row: row, column: column, samples: Hex.text(samples.bytes))
        }
        var parts = [try make(rows, columns, 0, 0, 21)]
        if name == "predicted-scenery" {
            parts = [try make(rows - 6, columns, 4, -3, 22), try make(rows + 5, columns + 2, 0, 0, 23)]
        }
        let isMixed = name == "predicted-mixed"
        if isMixed { parts = [try make(rows, columns, 2, -1, 24), try make(rows + 3, columns, -1, 4, 25), parts[0]] }
        return HistoryEntry(
            parts: parts, mix: isMixed ? 1 : nil, hash: "", predictions: said(name, rows: rows, columns: columns))
    }

    /// What no encoder would say of such small frames, so that all of it is in some vector.
    private static func said(_ name: String, rows: Int, columns: Int) -> [HistoryEntry.Prediction?] {
        var first = TilePrediction()
        first.profile = 3
        first.quarters = [UInt8](repeating: 0, count: 60)
        for index in 0..<60 { first.quarters?[index] = UInt8(index * 7 % 5) }
        first.offset = .init(row: 1, column: -2)
        switch name {
        case "predicted-said":
            // five components, of classes 0 to 3, and six levels
            for index in 0..<60 where index / 6 > 6 || index % 6 > 3 { first.quarters?[index] = 0 }
            var map = TilePrediction.BlockMap(sizeIndex: 0, tileRows: rows, tileColumns: columns)
            for index in map.isOn.indices { map.isOn[index] = index % 3 != 1 }
            first.map = map
            return [.init(first)]
        case "predicted-two-tiles":
            first.quarters = nil
            var second = TilePrediction()
            second.profile = 5
            second.offset = .init(row: -2, column: 2)
            var map = TilePrediction.BlockMap(sizeIndex: 2, tileRows: rows, tileColumns: columns - 512)
            map.isOn[1] = false
            second.map = map
            return [.init(first), .init(second)]
        default: return []
        }
    }
}

import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Suite("tables and ladder")
struct TableTests {
    @Test("tables come back from their tensors, and a bundle without any has the untrained ones")
    func tensors() throws {
        let tables = ContextTables.untrained
        #expect(try ContextTables(tensors: tables.tensors()) == tables)
        #expect(try ContextTables(tensors: sampleTensors()) == tables)
    }

    @Test(
        "tables of another shape or type are refused by name",
        arguments: ["tokens/significance", "tokens/sign", "tokens/refinement", "tokens/flags", "tokens/centroids"])
    func refused(name: String) throws {
        var tensors = ContextTables.untrained.tensors()
        let good = try #require(tensors[name])
        tensors[name] = nil
        #expect(throws: CodecError.self) { try ContextTables(tensors: tensors) }
        tensors[name] = Tensor(shape: good.shape.reversed() + [1], values: good.values)
        let error = try #require(throws: CodecError.self) { try ContextTables(tensors: tensors) }
        #expect(error.description.contains(name))
        tensors[name] = Tensor(shape: good.shape, values: .float32([]))
        #expect(throws: CodecError.self) { try ContextTables(tensors: tensors) }
    }

    @Test("trained tables code the same kind of coefficients in fewer octets")
    func training() throws {
        let (components, rows, columns) = (4, 120, 130)
        let trainer = TableTrainer()
        for seed in 0..<6 {
            let values = coefficients(components: components, rows: rows, columns: columns, seed: UInt64(seed))
            try values.withUnsafeBufferPointer {
                try trainer.adapt(
                    coefficients: $0, components: components, rows: rows, columns: columns, budget: 20_000)
            }
        }
        // A small frame: in a large one, tables that know nothing learn in time.
        let values = coefficients(components: components, rows: 40, columns: 43, seed: 77)
        let sizes = try [ContextTables.untrained, trainer.learned].map { tables in
            let pair = TokenPair(components: components, rows: 40, columns: 43, tables: tables)
            return try pair.encoder.encode(
                integers: values, validity: pair.validity, head: [], budgets: [1 << 30]
            ).size
        }
        #expect(sizes[1] < sizes[0] * 199 / 200, "\(sizes)")
        #expect(try ContextTables(tensors: trainer.tensors()) == trainer.learned)
    }

    @Test("training refuses a shape that the coefficients do not have")
    func shape() {
        let trainer = TableTrainer()
        #expect(throws: CodecError.self) {
            try [Int32](repeating: 0, count: 10).withUnsafeBufferPointer {
                try trainer.adapt(coefficients: $0, components: 3, rows: 2, columns: 2, budget: 10)
            }
        }
    }

    @Test("the ladder gives cumulative budgets up to the target, headers taken off")
    func ladder() {
        #expect(LayerLadder.budgets(rawSize: 1_672_704, target: 300, overhead: 30) == [137, 527, 1_642, 5_545])
        #expect(LayerLadder.budgets(rawSize: 1_000_000, target: 50, overhead: 150).suffix(2) == [9_850, 19_850])
        #expect(LayerLadder.budgets(rawSize: 10_000, target: 20_000, overhead: 8) == [0])
        #expect(LayerLadder.budgets(rawSize: 1_000_000, size: 5_000, overhead: 0) == [100, 333, 1_000, 3_333, 5_000])
    }

    @Test(
        "layers up to 100x count as history, at least one",
        arguments: [
            ([100, 200, 700, 1], 3), ([100, 200, 701], 2), ([2_000, 10], 1), ([0, 1_000, 0], 3), ([10], 1),
        ])
    func remembered(sizes: [Int], count: Int) {
        #expect(LayerLadder.rememberedCount(sizes: sizes, rawSize: 100_000) == count)
    }

    @Test(
        "tiles cover a frame, and their sub-bands every coefficient once",
        arguments: [1, 255, 512, 767, 768, 1_300, 2_000])
    func tiles(size: Int) {
        let grid = TileGrid(rows: size, columns: 300)
        var end = 0
        for tile in 0..<grid.count {
            #expect(grid.rowRange(tile).lowerBound == end)
            end = grid.rowRange(tile).upperBound
            #expect(grid.count == 1 || (256...767).contains(grid.rowRange(tile).count))
        }
        #expect(end == size)
    }
}

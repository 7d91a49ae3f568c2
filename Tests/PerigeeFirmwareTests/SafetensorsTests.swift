import PerigeeCore
import PerigeeFirmware
import PerigeeTestSupport
import Testing

@Suite("safetensors")
struct SafetensorsTests {
    @Test("all types are read")
    func types() throws {
        let header = """
            {"u8": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},
            "i16": {"dtype": "I16", "shape": [1], "data_offsets": [3, 5]},
            "i32": {"dtype": "I32", "shape": [], "data_offsets": [5, 9]},
            "u32": {"dtype": "U32", "shape": [1, 1], "data_offsets": [9, 13]},
            "f32": {"dtype": "F32", "shape": [1], "data_offsets": [13, 17]},
            "none": {"dtype": "F64", "shape": [0, 4], "data_offsets": [17, 17]}}
            """
        var writer = ByteWriter()
        writer.write([1, 2, 255] as [UInt8])
        writer.write(Int16(-2))
        writer.write(Int32(-3))
        writer.write(UInt32.max)
        writer.write(Float(0.5))
        let tensors = try Safetensors.parse(safetensors(header, writer.bytes), file: "x")
        #expect(tensors["u8"] == Tensor(shape: [3], values: .uint8([1, 2, 255])))
        #expect(tensors["i16"] == Tensor(shape: [1], values: .int16([-2])))
        #expect(tensors["i32"] == Tensor(shape: [], values: .int32([-3])))
        #expect(tensors["u32"] == Tensor(shape: [1, 1], values: .uint32([.max])))
        #expect(tensors["f32"] == Tensor(shape: [1], values: .float32([0.5])))
        #expect(tensors["none"] == Tensor(shape: [0, 4], values: .float64([])))
    }

    struct Lie: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let header: String
        var octets = 8
        let field: String
    }

    @Test(
        "a header that lies is refused with the field",
        arguments: [
            Lie(
                testDescription: "an overlap",
                header: """
                    {"a": {"dtype": "U8", "shape": [6], "data_offsets": [0, 6]},
                    "b": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}
                    """, field: "data_offsets of b"),
            Lie(
                testDescription: "a gap",
                header: """
                    {"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
                    "b": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}
                    """, field: "data_offsets of b"),
            Lie(
                testDescription: "octets behind the last tensor",
                header: "{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 2]}}", field: "data"),
            Lie(
                testDescription: "offsets beyond the end",
                header: "{\"a\": {\"dtype\": \"U8\", \"shape\": [9], \"data_offsets\": [0, 9]}}",
                field: "data_offsets of a"),
            Lie(
                testDescription: "offsets backwards",
                header: "{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [4, 2]}}",
                field: "data_offsets of a"),
            Lie(
                testDescription: "negative offsets",
                header: "{\"a\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [-2, 0]}}",
                field: "data_offsets of a"),
            Lie(
                testDescription: "a shape that does not fit",
                header: "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 8]}}",
                field: "data_offsets of a"),
            Lie(
                testDescription: "a shape that overflows",
                header: """
                    {"a": {"dtype": "F64", "shape": [4611686018427387904, 4], "data_offsets": [0, 8]}}
                    """, field: "octets of a"),
            Lie(
                testDescription: "a shape of fractions",
                header: "{\"a\": {\"dtype\": \"F64\", \"shape\": [1.5], \"data_offsets\": [0, 8]}}",
                field: "shape of a"),
            Lie(
                testDescription: "nine dimensions",
                header: """
                    {"a": {"dtype": "F64", "shape": [1,1,1,1,1,1,1,1,1], "data_offsets": [0, 8]}}
                    """, field: "shape of a"),
            Lie(
                testDescription: "an unknown type",
                header: "{\"a\": {\"dtype\": \"BF16\", \"shape\": [4], \"data_offsets\": [0, 8]}}",
                field: "dtype of a"),
            Lie(
                testDescription: "a name twice",
                header: """
                    {"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                    "a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}
                    """, field: "tensor"),
            Lie(testDescription: "a list", header: "[]", field: "header"),
            Lie(testDescription: "no JSON", header: "{\"a\"", field: "header"),
        ])
    func lies(_ lie: Lie) {
        let bytes = safetensors(lie.header, [UInt8](repeating: 0, count: lie.octets))
        #expect {
            try Safetensors.parse(bytes, file: "x")
        } throws: { "\($0)".contains("x \(lie.field)") }
    }

    @Test("a header size beyond the limit is refused before it is read", arguments: [UInt64.max, 1 << 40, 1_048_577])
    func longHeader(size: UInt64) {
        var writer = ByteWriter()
        writer.write(size)
        #expect(
            throws: FirmwareError.outOfRange(
                field: "x header size", value: Int(clamping: size), limit: 1_048_576)
        ) { try Safetensors.parse(writer.bytes, file: "x") }
    }

    @Test("octets cut anywhere are refused")
    func cut() {
        let bytes = safetensors(goodHeader, goodData)
        for count in bytes.indices {
            #expect(throws: FirmwareError.self, "\(count) octets") {
                try Safetensors.parse(Array(bytes.prefix(count)), file: "x")
            }
        }
    }

    @Test("flipped bits never trap")
    func flipped() {
        let bytes = safetensors(goodHeader, goodData)
        var generator = SeededGenerator(seed: 11)
        var refused = 0
        for _ in 0..<2_000 {
            var damaged = bytes
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            damaged[place] ^= UInt8.random(in: 1...255, using: &generator)
            if (try? Safetensors.parse(damaged, file: "x")) == nil { refused += 1 }
        }
        #expect(refused > 500)
    }
}

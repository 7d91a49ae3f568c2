import PerigeeJSON
import PerigeeTestSupport
import Testing

private func parse(_ text: String, depthLimit: Int = 8) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8)[...], depthLimit: depthLimit)
}

@Test(
    "JSON values are read as they are meant",
    arguments: [
        ("null", JSONValue.null),
        (" true ", .bool(true)),
        ("0", .integer(0)),
        ("-9007199254740993", .integer(-9_007_199_254_740_993)),
        ("1.5e1", .number(15)),
        ("18446744073709551616", .number(18_446_744_073_709_551_616)),
        ("\"\"", .string("")),
        (#""a\"\\\/\n\u00e9\ud83d\ude80é""#, .string("a\"\\/\né🚀é")),
        ("[]", .array([])),
        ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
        ("{}", .object([])),
        (
            "{\"a\":1, \"b\" : {\"c\":null}}",
            .object([.init("a", .integer(1)), .init("b", .object([.init("c", .null)]))])
        ),
    ])
func reads(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
    #expect(try parse(value.description) == value)
    #expect(try parse(value.indented) == value)
}

@Test("written JSON keeps order, escapes text, and has null for what it has no word for")
func writes() {
    let value = JSONValue.object([
        "b": .integer(1), "a": .array([.number(0.5), .number(3), .number(.nan), .optional(Double?.none)]),
        "t": .string("q\"\\\n\r\u{1}é"), "e": .object([]), "n": .array([]),
        "s": .sorted(["z": .null, "y": .bool(true)]),
    ])
    #expect(
        value.description
            == #"{"b": 1, "a": [0.5, 3.0, null, null], "t": "q\"\\\n\r\u0001é", "e": {}, "n": [], "s": {"y": true, "z": null}}"#
    )
    #expect(
        JSONValue.object(["a": .array([.bool(true), .null]), "o": .object([])]).indented == """
            {
              "a": [
                true,
                null
              ],
              "o": {}
            }
            """)
}

@Test(
    "text that is not JSON is refused at the octet where it goes wrong",
    arguments: [
        ("", 0), ("  ", 2), ("nul", 0), ("NaN", 0), ("01", 2), ("-", 1), ("1.", 2), ("1e", 2), ("1e999", 5), ("+1", 0),
        ("[1", 2), ("[1,]", 3), ("{", 1), ("{a:1}", 1), ("{\"a\"}", 4), ("{\"a\":1,}", 7), ("1 2", 2), ("\"a", 2),
        ("\"\u{1}\"", 1), (#""\x""#, 3), (#""\ud800""#, 7), (#""\ud800\u0041""#, 13), (#""\u12""#, 3), ("'a'", 0),
    ])
func refuses(text: String, offset: Int) {
    let error = #expect(throws: JSONError.self) { try parse(text) }
    #expect(error?.offset == offset, "\(String(describing: error))")
}

@Test("octets that are not UTF-8 are refused inside of a text")
func encoding() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x22], depthLimit: 2) }
}

@Test("nesting ends at the limit, however long the text is")
func depth() throws {
    #expect(try parse("[[1]]", depthLimit: 3) == .array([.array([.integer(1)])]))
    #expect(throws: JSONError.self) { try parse("[[1]]", depthLimit: 2) }
    #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try parse(String(repeating: "{\"a\":", count: 200_000)) }
}

@Test("random octets are an error or a value, never a trap", arguments: 0..<200)
func randomOctets(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array("{}[]\",:\\u0123456789eE+-.truefalsn \u{1}é".utf8)
    for _ in 0..<50 {
        let octets = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator) ?? 0
        }
        if let value = try? JSONValue(parsing: octets[...], depthLimit: 5) {
            #expect((try? parse(value.description)) == value, "seed \(seed)")
        }
    }
}

extension JSONValue {
    /// An object from pairs; their order stays.
    public static func object(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(pairs.map { Member($0.key, $0.value) })
    }

    /// An object with its members sorted by name: the same fields, the same text.
    public static func sorted(_ fields: [String: JSONValue]) -> JSONValue {
        .object(fields.sorted { $0.key < $1.key }.map { Member($0.key, $0.value) })
    }

    /// A text, or null.
    public static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

    /// A number, or null.
    public static func optional(_ number: Double?) -> JSONValue { number.map(JSONValue.number) ?? .null }

    /// An array of numbers.
    public static func numbers(_ numbers: [Double]) -> JSONValue { .array(numbers.map(JSONValue.number)) }

    /// An array of whole numbers.
    public static func integers(_ integers: [Int]) -> JSONValue { .array(integers.map(JSONValue.integer)) }

    /// An array of texts.
    public static func strings(_ strings: [String]) -> JSONValue { .array(strings.map(JSONValue.string)) }
}

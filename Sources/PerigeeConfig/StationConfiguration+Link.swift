extension StationConfiguration {
    /// A further gateway, for the time when those before it do not answer.
    public struct Fallback: Equatable, Sendable {
        public var endpoint: String
        /// File of its public keys; nil connects in the clear.
        public var keyFile: String?
        /// Connects there in the clear, whoever can listen in.
        public var isInsecure: Bool
    }

    /// How fast the station may send.
    public struct Line: Equatable, Sendable {
        /// A part of each day, in UTC, with a rate of its own.
        public struct Window: Equatable, Sendable {
            /// Minutes of the day; one that ends before it begins goes over midnight.
            public var fromMinute: Int
            public var toMinute: Int
            /// Octets a second; nil is without limit, 0 is closed.
            public var rate: Int?
        }

        /// Octets a second outside of the windows; nil is without limit.
        public var rate: Int?
        /// The first that contains the minute counts.
        public var windows: [Window]
    }

    private static let fallbackKeys: [Key] = [
        Key(needed: "endpoint", .text(), "ZeroMQ endpoint of the gateway"),
        Key("key", .text(), nil, "its public keys, one or two; in the clear where absent"),
        Key("insecure", .boolean, .boolean(false), "connect without keys, whoever can listen in"),
    ]

    private static let windowKeys: [Key] = [
        Key(needed: "from", .text(), "minute of the day in UTC at which it begins, such as \"22:00\""),
        Key(needed: "to", .text(), "minute at which it ends, such as \"06:00\" of the next day, or \"24:00\""),
        Key(
            "rate_bits_per_second", .integer(0...1 << 40), .integer(0), "rate of this part; 0: as fast as the line goes"
        ),
        Key("closed", .boolean, .boolean(false), "nothing is sent in it, and no connection is held"),
    ]

    static let linkKeys: [Key] = [
        Key(
            "gateway.fallbacks", .tables(fallbackKeys), .tables([]),
            "further gateways, tried in this order while those before do not answer"),
        Key(
            "link.rate_bits_per_second", .integer(0...1 << 40), .integer(0),
            "octets of the link that may go out, in bits a second; 0: as fast as the line goes", .atReload),
        Key(
            "link.windows", .tables(windowKeys), .tables([]), "parts of the day with another rate, or with none",
            .atReload),
    ]

    static func fallbacks(_ values: KeyValues, file: String, _ reader: inout KeyReader) -> [Fallback] {
        values.tables("gateway.fallbacks").enumerated().map { index, table in
            let endpoint = table.text("endpoint")
            check(endpoint, line: table.line("endpoint"), key: "gateway.fallbacks[\(index)].endpoint", &reader)
            return Fallback(
                endpoint: endpoint,
                keyFile: table.optionalText("key").map { ConfigurationFile.resolve($0, besides: file) },
                isInsecure: table.optionalBoolean("insecure") ?? false)
        }
    }
}

extension StationConfiguration.Line {
    /// Bits a second below which not even a greeting would come through.
    private static let leastRate = 300

    init(_ values: KeyValues, _ reader: inout KeyReader) {
        let key = "link.rate_bits_per_second"
        rate = Self.rate(values.integer(key), values.line(key), key, &reader)
        windows = []
        for (index, table) in values.tables("link.windows").enumerated() {
            let name = "link.windows[\(index)]"
            let from = Self.minute(table, "from", name, &reader)
            let to = Self.minute(table, "to", name, &reader)
            let rate = Self.rate(
                table.integer("rate_bits_per_second"), table.line("rate_bits_per_second"),
                "\(name).rate_bits_per_second", &reader)
            guard let from, let to else { continue }
            if from == to || from == 1_440 {
                reader.add(table.line("from"), name, "is empty: let it begin before it ends, at 23:59 at the latest")
            }
            windows.append(
                Window(fromMinute: from, toMinute: to, rate: table.optionalBoolean("closed") == true ? 0 : rate))
        }
    }

    private static func rate(_ bits: Int, _ line: Int, _ key: String, _ reader: inout KeyReader) -> Int? {
        if bits == 0 { return nil }
        if bits < leastRate {
            reader.add(line, key, "is \(bits), must be 0 or at least \(leastRate): less carries no greeting")
        }
        return bits / 8
    }

    /// The minute of the day of text such as "06:30".
    private static func minute(_ table: KeyValues, _ key: String, _ name: String, _ reader: inout KeyReader) -> Int? {
        let text = table.text(key)
        if text.isEmpty { return nil }  // missing, or of another type: that is told already
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isShort = parts.count == 2 && parts.allSatisfy { $0.utf8.count == 2 && $0.allSatisfy(\.isNumber) }
        if isShort, let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= 1_440 {
            return hour * 60 + minute
        }
        reader.add(
            table.line(key), "\(name).\(key)", "is \"\(text)\", must be a time of the day in UTC such as \"06:30\"")
        return nil
    }
}

import PerigeeConfig
import PerigeeTestSupport
import Testing

private func problems(_ text: String) -> [String] {
    do throws(ConfigurationError) {
        _ = try StationConfiguration(TomlDocument(parsing: Array(text.utf8), name: "x.toml"))
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

private let minimum = "[intake]\nendpoints = [{ mode = \"pull\", endpoint = \"tcp://*:1\" }]\n"

@Test("all problems of a file are named at once, each with its line and a remedy")
func collects() {
    let text = """
        [intake]
        endpoints = [{ mode = "push", endpoint = "tcp://*:1", topik = "" }, { endpoint = "nowhere" }]
        [limits]
        frame_byte = 7
        header_bytes = "64 kilo"
        intake_bytes = "1 TiB"
        [encoder]
        target = "0.5x"
        lanes = -1
        overrides = [{ sensor = "naip", target = "100x" }, { sensor = "naip", target = "50x" }]
        [gatway]
        endpoint = "tcp://x:1"
        [status]
        file = 3
        """
    #expect(
        problems(text) == [
            "x.toml:2: intake.endpoints[0].mode is \"push\", must be one of \"sub\", \"pull\", \"acknowledged\"",
            "x.toml:2: intake.endpoints[0].topik is no key of this file: did you mean intake.endpoints[0].topic?",
            "x.toml:2: intake.endpoints[1].mode is missing: add it; \"pull\", \"sub\" or \"acknowledged\"",
            "x.toml:2: intake.endpoints is \"nowhere\", must be a ZeroMQ endpoint such as \"tcp://127.0.0.1:5570\"",
            "x.toml:4: limits.frame_byte is no key of this file: did you mean limits.frame_bytes?",
            "x.toml:5: limits.header_bytes is \"64 kilo\", must be octets, such as 65536 or \"64 KiB\"",
            "x.toml:8: encoder.target is \"0.5x\", must be a ratio from 1x to 1000000x, such as \"300x\", or \"lossless\"",
            "x.toml:9: encoder.lanes is -1, must be 0 to 256",
            "x.toml:10: encoder.overrides has \"naip\" twice: keep one",
            "x.toml:11: gatway is no key of this file: did you mean gateway?",
            "x.toml:14: status.file is 3, must be text in quotation marks",
        ])
}

@Test("a table where a value should stand, and the other way round, are named")
func shapes() {
    #expect(problems("intake = 3").first == "x.toml:1: intake is a value, must be a table: write [intake]")
    #expect(problems(minimum + "[station.id]\nx = 1").first?.contains("station.id is a table, must be text") == true)
    #expect(problems("[intake]\nendpoints = [3]").first?.contains("intake.endpoints[0] is 3, must be a table") == true)
    #expect(problems("[intake]\nendpoints = []").first?.contains("is empty") == true)
    #expect(problems("").first?.contains("intake.endpoints is missing") == true)
    #expect(problems(minimum + "[limits]\nintake_bytes = 10\nframe_bytes = 11").first?.contains("raise it") == true)
    #expect(problems(minimum + "[status]\nfile = 2020-01-01").first?.contains("a date or time") == true)
}

@Test("a target may be lossless, for all sensors or for one")
func losslessTargets() throws {
    let text = "[encoder]\ntarget = \"lossless\"\noverrides = [{ sensor = \"naip\", target = \"50x\" }]"
    let configuration = try StationConfiguration(TomlDocument(parsing: Array((minimum + text).utf8), name: "x.toml"))
    #expect(configuration.target == .lossless && configuration.targets == ["naip": .ratio(50)])
}

@Test("further gateways and rates by the time of the day are read, bits a second as octets")
func line() throws {
    let text = """
        [gateway]
        fallbacks = [{ endpoint = "tcp://b:1", key = "b.pub" }, { endpoint = "tcp://c:1", insecure = true }]
        [link]
        rate_bits_per_second = 9600
        [[link.windows]]
        from = "22:00"
        to = "06:30"
        [[link.windows]]
        from = "06:30"
        to = "24:00"
        rate_bits_per_second = 64_000
        [[link.windows]]
        from = "00:00"
        to = "00:01"
        closed = true
        """
    let configuration = try StationConfiguration(TomlDocument(parsing: Array((minimum + text).utf8), name: "/e/x.toml"))
    #expect(configuration.fallbacks.map(\.endpoint) == ["tcp://b:1", "tcp://c:1"])
    #expect(configuration.fallbacks.map(\.keyFile) == ["/e/b.pub", nil])
    #expect(configuration.fallbacks.map(\.isInsecure) == [false, true])
    #expect(configuration.line.rate == 1_200)
    let windows = configuration.line.windows
    #expect(windows.map(\.fromMinute) == [1_320, 390, 0] && windows.map(\.toMinute) == [390, 1_440, 1])
    #expect(windows.map(\.rate) == [nil, 8_000, 0])
}

@Test("where a daemon serves its page is read, and beyond this machine it needs a token")
func pages() throws {
    func settings(_ text: String) throws -> HTTPSettings? {
        try GatewaySettings(TomlDocument(parsing: Array(("[http]\n" + text).utf8), name: "/e/x.toml")).http
    }
    let usual = try #require(try settings(""))
    #expect(usual.host == "127.0.0.1" && usual.port == 9478 && usual.tokenFile == nil)
    #expect(try settings("listen = \"\"") == nil)
    let free = try #require(try settings("listen = \"[::1]:0\""))
    #expect(free.host == "::1" && free.port == 0)
    let remote = try #require(try settings("listen = \"0.0.0.0:80\"\ntoken_file = \"token\""))
    #expect(remote.host == "0.0.0.0" && remote.port == 80 && remote.tokenFile == "/e/token")
    for text in [
        "off", "9477", ":9477", "127.0.0.1:70000", "127.0.0.1", "a b:1", "http://x:1", "0.0.0.0:80", "host:80",
    ] {
        #expect(throws: ConfigurationError.self, "\(text)") { try settings("listen = \"\(text)\"") }
    }
    let station = try StationConfiguration(TomlDocument(parsing: Array(minimum.utf8), name: "x.toml"))
    #expect(station.http?.host == "127.0.0.1" && station.http?.port == 9477 && station.quicklookInterval == 0)
}

@Test(
    "a time or rate of the link that is none is named",
    arguments: [
        ("{ from = \"6:30\", to = \"07:00\" }", "[0].from is \"6:30\""),
        ("{ from = \"06:30\", to = \"24:01\" }", "[0].to is \"24:01\""),
        ("{ from = \"06:60\", to = \"07:00\" }", "[0].from is \"06:60\""),
        ("{ from = \"06:30\", to = \"06:30\" }", "[0] is empty"),
        ("{ from = \"24:00\", to = \"02:00\" }", "[0] is empty"),
        ("{ from = \"06:30\" }", "[0].to is missing"), ("{ from = 3, to = \"06:30\" }", "[0].from is 3"),
        ("{ from = \"01:00\", to = \"02:00\", rate_bits_per_second = 299 }", "[0].rate_bits_per_second is 299"),
    ])
func badWindows(_ window: String, _ problem: String) {
    let found = problems(minimum + "[link]\nwindows = [\(window)]")
    #expect(found.count == 1 && found.first?.contains("link.windows\(problem)") == true, "\(found)")
}

@Test(
    "sizes are octets with or without a unit",
    arguments: [
        ("4096", 4_096), ("\"4 KiB\"", 4_096), ("\"4KiB\"", 4_096), ("\"16384 B\"", 16_384), ("\"2 MiB\"", 2 << 20),
    ])
func sizes(text: String, octets: Int) throws {
    let document = try TomlDocument(parsing: Array((minimum + "[limits]\nheader_bytes = \(text)").utf8), name: "x.toml")
    #expect(try StationConfiguration(document).headerSizeLimit == octets)
}

@Test(
    "a size that is none is refused",
    arguments: ["\"4 KB\"", "\"KiB\"", "\"-4 KiB\"", "\"9999999999 TiB\"", "4.5", "true"])
func badSizes(text: String) {
    #expect(problems(minimum + "[limits]\nheader_bytes = \(text)").count == 1)
}

@Test("what is not TOML names the line", arguments: ["a = ", "a = 1\nb", "a = 1\na = 2", "[a", "a = \"\\q\"", "\u{0}"])
func notTOML(text: String) {
    let error = #expect(throws: ConfigurationError.self) { try TomlDocument(parsing: Array(text.utf8), name: "x.toml") }
    #expect(error?.problems.first?.message.hasPrefix("this is no TOML: ") == true)
    #expect((error?.problems.first?.line ?? 0) > 0)
}

@Test("what is not UTF-8 names the line", arguments: [([0x61, 0xFF], 1), ([0x61, 0x3D, 0x31, 0x0A, 0xC3, 0x28], 2)])
func notText(octets: [UInt8], line: Int) {
    let error = #expect(throws: ConfigurationError.self) { try TomlDocument(parsing: octets, name: "x.toml") }
    #expect(error?.description == "x.toml:\(line): is no UTF-8 text: save the file as UTF-8")
}

@Test("deep nesting and large files are refused")
func limits() {
    let deep = "a = " + String(repeating: "[", count: 100_000)
    #expect(throws: ConfigurationError.self) { try TomlDocument(parsing: Array(deep.utf8), name: "x") }
    let dotted = Array(repeating: "a", count: 50_000).joined(separator: ".") + " = 1"
    #expect(throws: ConfigurationError.self) { try TomlDocument(parsing: Array(dotted.utf8), name: "x") }
    let tables = "[" + Array(repeating: "a", count: 500).joined(separator: ".") + "]"
    #expect(throws: ConfigurationError.self) { try TomlDocument(parsing: Array(tables.utf8), name: "x") }
    let large = Array(repeating: UInt8(ascii: "#"), count: (1 << 20) + 1)
    #expect(throws: ConfigurationError.self) { try TomlDocument(parsing: large, name: "x") }
    #expect(throws: ConfigurationError.self) { try TomlDocument(path: "/nowhere/x.toml") }
    #expect(throws: ConfigurationError.self) { try TomlDocument(path: "/") }
}

@Test("random changes of a file are values or errors, never a trap", arguments: 0..<20)
func damaged(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let whole = Array((minimum + "[limits]\nheader_bytes = \"4 KiB\"\n[[x.y]]\nz = [1, 2.5, { a = true }]").utf8)
    for _ in 0..<100 {
        var octets = whole
        octets[Int.random(in: octets.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        do throws(ConfigurationError) {
            _ = try StationConfiguration(TomlDocument(parsing: octets, name: "x"))
        } catch {
            #expect(!error.problems.isEmpty)
        }
    }
}

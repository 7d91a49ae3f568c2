/// Where a daemon serves its page, its metrics and its state.
public struct HTTPSettings: Equatable, Sendable {
    /// A name or an address, IPv6 without brackets.
    public var host: String
    /// 0 takes one that is free.
    public var port: UInt16
    /// File whose token must be given by whoever asks for data; nil lets everybody ask.
    public var tokenFile: String?

    /// Further names by which whoever asks may call it, such as that of a proxy.
    public var hosts: [String]

    /// `http` of a daemon that listens at `listen` where nothing is said.
    static func keys(listen: String) -> [Key] {
        [
            Key(
                "http.listen", .text(), .text(listen),
                "HOST:PORT of the page, the metrics and the state; empty: none are served"),
            Key(
                "http.token_file", .text(), .text(""),
                "file with the token that whoever asks for data must give; empty: none, on this machine only"),
            Key(
                "http.hosts", .texts, .texts([]),
                "further names by which whoever asks may call it, such as that of a proxy"),
        ]
    }

    /// Nil where nothing is served, or `listen` is wrong and that is told.
    static func read(_ values: KeyValues, file: String, _ reader: inout KeyReader) -> HTTPSettings? {
        let listen = values.text("http.listen")
        let token = values.text("http.token_file")
        if listen.isEmpty { return nil }
        guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...]) else {
            reader.add(
                values.line("http.listen"), "http.listen",
                "is \"\(listen)\", must be HOST:PORT such as 127.0.0.1:9477")
            return nil
        }
        var host = String(listen[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, !host.contains(where: { $0 == "[" || $0 == "]" || $0 == "/" || $0 == " " }) else {
            reader.add(
                values.line("http.listen"), "http.listen",
                "is \"\(listen)\", must be HOST:PORT such as 127.0.0.1:9477")
            return nil
        }
        if token.isEmpty, !isLocal(host) {
            reader.add(
                values.line("http.listen"), "http.listen",
                "is \"\(listen)\", where others can ask: name http.token_file, or listen at 127.0.0.1 behind a proxy")
        }
        return HTTPSettings(
            host: host, port: port,
            tokenFile: token.isEmpty ? nil : values.path("http.token_file", besides: file),
            hosts: values.texts("http.hosts"))
    }

    private static func isLocal(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }
}

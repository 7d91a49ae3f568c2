import Foundation

/// Asks a server of this machine, with curl.
public enum Scrape {
    /// Another answer than 200.
    public struct Refusal: Error, CustomStringConvertible {
        public let description: String
    }

    /// Whether promtool and the client library are there, or must be.
    public static let hasReaders =
        FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")
        && FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/prometheus_client")
        || ProcessInfo.processInfo.environment["CI"] == "true"

    /// Runs a program of /usr/bin with this input to its end.
    public static func run(_ program: String, _ words: [String], input: String) throws -> (code: Int32, output: String)
    {
        let folder = try TemporaryFolder()
        let path = folder.file("input")
        try input.write(toFile: path, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/\(program)")
        process.arguments = words
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: path))
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Status and body of one request; 0 where nobody answers.
    public static func answer(_ url: String, accept: String) throws -> (status: Int, body: String) {
        let answer = try run(
            "curl", ["--silent", "--max-time", "60", "-H", "Accept: \(accept)", "-w", "\n%{http_code}", url], input: "")
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    /// The body of an answer with 200.
    public static func text(_ url: String, accept: String) throws -> String {
        let answer = try answer(url, accept: accept)
        guard answer.status == 200 else { throw Refusal(description: "\(url) \(answer.status) \(answer.body)") }
        return answer.body
    }

    /// Only the status.
    public static func status(_ url: String) throws -> Int { try answer(url, accept: "*/*").status }
}

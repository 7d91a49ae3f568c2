import Foundation
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// The real binaries, built beside the tests.
enum Programs {
    static let folder: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(filePath: own).deletingLastPathComponent().path
        return FileManager.default.isExecutableFile(atPath: beside + "/perigeed")
            ? beside : SharedData.packageRoot + "/.build/release"
    }()

    /// What a program printed, and its exit code.
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String

        /// The output as JSON.
        func json() throws -> JSONValue { try JSONValue(parsing: Array(output.utf8)[...], depthLimit: 32) }
    }

    /// Runs `perigee` to its end.
    static func perigee(_ words: [String], environment: [String: String] = [:]) throws -> Outcome {
        try run(Programs.folder + "/perigee", words, environment: environment)
    }

    /// Runs a program to its end. Output goes through files, so no pipe can fill.
    static func run(_ path: String, _ words: [String], environment: [String: String] = [:]) throws -> Outcome {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = words
        var variables = ProcessInfo.processInfo.environment
        variables["PERIGEE_HOME"] = SharedData.packageRoot
        variables.merge(environment) { $1 }
        process.environment = variables
        process.standardOutput = try writable(folder.file("output"))
        process.standardError = try writable(folder.file("errors"))
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit, "\(path) \(words) was ended by a signal")
        return Outcome(
            code: process.terminationStatus, output: try String(contentsOfFile: folder.file("output"), encoding: .utf8),
            errors: try String(contentsOfFile: folder.file("errors"), encoding: .utf8))
    }

    /// Runs `perigee`, which must end with 0.
    @discardableResult
    static func succeed(_ words: String...) throws -> Outcome {
        let outcome = try perigee(words)
        try #require(outcome.code == 0, "perigee \(words.joined(separator: " ")): \(outcome.code) \(outcome.errors)")
        return outcome
    }

    static func writable(_ path: String) throws -> FileHandle {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        return try #require(FileHandle(forWritingAtPath: path))
    }
}

extension Substring {
    var text: String { String(self) }
}

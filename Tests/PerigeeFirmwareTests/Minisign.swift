import Foundation
import Testing

/// The program of Debian's package, as another hand that writes and reads the same files. Tests that need it are skipped
/// where it is not installed, but fail where `CI` is `true`.
enum Minisign {
    private static let program = "/usr/bin/minisign"

    static var isExpected: Bool {
        FileManager.default.isExecutableFile(atPath: program)
            || ProcessInfo.processInfo.environment["CI"] == "true"
    }

    /// Runs it in `folder`; true where it ends with 0.
    static func run(_ arguments: [String], in folder: String, input: String = "") throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        let (standardInput, output) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = output
        try process.run()
        standardInput.fileHandleForWriting.write(Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        _ = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

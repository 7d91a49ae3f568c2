import Foundation
import PerigeeCommandLine

/// A program of the system, run to its end.
enum ChildProcess {
    struct Answer {
        var code: Int32
        var output: String
    }

    /// Runs a program that is found along PATH, without input; its errors are dropped. Throws where there is none.
    static func run(_ name: String, _ words: [String]) throws(CommandFailure) -> Answer {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + words
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch {
            throw CommandFailure(.unavailable, "\(name) cannot be started: \(error.localizedDescription)")
        }
        let octets = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // what env says of a program that is not there
        guard process.terminationStatus != 127 else {
            throw CommandFailure(.unavailable, "there is no \(name): install it")
        }
        return Answer(code: process.terminationStatus, output: String(decoding: octets, as: UTF8.self))
    }
}

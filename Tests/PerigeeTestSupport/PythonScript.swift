import Foundation

/// A Python script of Tests/python, run by the interpreter that `PERIGEE_PYTHON` names, else by `.build/venv` (made by
/// Scripts/python-environment). Tests that need it are skipped where there is none, but fail where `CI` is `true`.
public enum PythonScript {
    private static let interpreter =
        ProcessInfo.processInfo.environment["PERIGEE_PYTHON"] ?? SharedData.packageRoot + "/.build/venv/bin/python"

    /// Whether tests that need Python are to run.
    public static var isExpected: Bool {
        FileManager.default.isExecutableFile(atPath: interpreter)
            || ProcessInfo.processInfo.environment["CI"] == "true"
    }

    /// Runs `name` of Tests/python with `arguments`; the exit status and what it printed.
    public static func run(_ name: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: interpreter)
        process.arguments = ["-B", SharedData.packageRoot + "/Tests/python/" + name] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

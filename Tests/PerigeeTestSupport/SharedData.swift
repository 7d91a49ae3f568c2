import Foundation

/// Real imagery beside the repository: `../shared/data`, or the folder that `PERIGEE_DATA` names. It is not part of the
/// repository: tests that need it are skipped where it is absent, but fail where the variable `CI` is `true`.
public enum SharedData {
    /// The package's root folder.
    public static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The folder of the data.
    public static let folder =
        ProcessInfo.processInfo.environment["PERIGEE_DATA"] ?? packageRoot + "/../shared/data"

    /// Whether tests on real data are to run: `@Test(.enabled(if: SharedData.isExpected, "no sample data"))`.
    public static var isExpected: Bool {
        FileManager.default.fileExists(atPath: folder + "/manifest.json")
            || ProcessInfo.processInfo.environment["CI"] == "true"
    }

    /// A file of the data by its path in the folder.
    public static func path(_ name: String) -> String { folder + "/" + name }
}

/// Long tests run only where they are asked for: `make test-slow`, or the variable `PERIGEE_SLOW`.
public enum SlowTests {
    /// Whether they are: `@Test(.enabled(if: SlowTests.areExpected, "long: make test-slow"))`.
    public static let areExpected = ProcessInfo.processInfo.environment["PERIGEE_SLOW"] != nil
}

/// A folder of one test's own, removed with its last reference.
public final class TemporaryFolder: Sendable {
    public let path: String

    /// Makes an empty folder.
    public init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "perigee-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file in the folder.
    public func file(_ name: String) -> String { path + "/" + name }
}

extension TemporaryFolder {
    /// Names of what is in the folder, in order.
    public func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

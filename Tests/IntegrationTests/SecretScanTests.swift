import Foundation
import PerigeeTestSupport
import PerigeeTransport
import Testing

/// What a secret looks like in a file: a literal that is quick to look for, and the whole of it. Written in pieces, so that
/// this file holds none.
private let marks: [(name: String, literal: String, pattern: String)] = [
    ("secret of CURVE", "curve " + "secret 1", "perigee curve " + "secret 1\\r?\\n[!-~]{40}"),
    ("secret of minisign", "RWR" + "TY0Iy", "secret key[^\\n]*\\r?\\nRWR" + "TY0Iy[A-Za-z0-9+/]{20}"),
    ("private key in PEM", "PRIVATE" + " KEY-----", "-----BEGIN [A-Z ]*" + "PRIVATE KEY-----"),
    ("private key of age", "AGE-SECRET-" + "KEY-1", "AGE-SECRET-" + "KEY-1[A-Z0-9]{20}"),
]

/// Names of the secrets in a file.
private func secrets(in data: Data) throws -> [String] {
    try marks.filter { mark in
        guard data.range(of: Data(mark.literal.utf8)) != nil else { return false }
        return try Regex(mark.pattern).firstMatch(in: String(decoding: data, as: UTF8.self)) != nil
    }.map(\.name)
}

private func secrets(in text: String) throws -> [String] { try secrets(in: Data(text.utf8)) }

@Suite("The repository holds no secrets")
struct SecretScanTests {
    /// Every file that git tracks or would add; all files where this is no checkout.
    private func files() throws -> [String] {
        let root = SharedData.packageRoot
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let names = String(decoding: data, as: UTF8.self).split(separator: "\0").map(String.init)
        if process.terminationStatus == 0, !names.isEmpty { return names }
        let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return all.filter { !$0.hasPrefix(".") && !$0.contains("/.build/") }
    }

    @Test("no file of the repository has one")
    func clean() throws {
        let names = try files()
        #expect(names.contains("Package.swift"))
        for name in names {
            guard let data = FileManager.default.contents(atPath: SharedData.packageRoot + "/" + name) else { continue }
            #expect(try secrets(in: data) == [], "\(name)")
        }
    }

    @Test("the scan finds what it looks for")
    func finds() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.secret")
        try KeyFile.writeSecret(KeyPair.generate(), to: path)
        let own = try String(contentsOfFile: path, encoding: .utf8)
        #expect(try secrets(in: "text\n" + own) == ["secret of CURVE"])
        let letters = String(repeating: "A", count: 40)
        #expect(
            try secrets(in: "untrusted comment: minisign encrypted secret key\nRWR" + "TY0Iy" + letters)
                == ["secret of minisign"])
        #expect(try secrets(in: "-----BEGIN RSA " + "PRIVATE KEY-----") == ["private key in PEM"])
        #expect(try secrets(in: "AGE-SECRET-" + "KEY-1" + letters) == ["private key of age"])
        #expect(try secrets(in: "perigee curve public 1\n" + letters) == [])
    }
}

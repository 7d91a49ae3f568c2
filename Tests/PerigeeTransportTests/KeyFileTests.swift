import Foundation
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("Files of keys")
struct KeyFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String, _ name: String, mode: Int = 0o600) throws -> String {
        let path = folder.file(name)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("a pair goes through its files, the secret for its owner alone, whatever the mask")
    func roundTrip() throws {
        let pair = try KeyPair.generate()
        let (secret, open) = (folder.file("a.secret"), folder.file("a.pub"))
        try KeyFile.writeSecret(pair, to: secret)
        let other = try KeyPair.generate()
        try KeyFile.writePublic([pair.publicKey, other.publicKey], to: open)
        #expect(try KeyFile.readSecret(secret) == pair)
        #expect(try KeyFile.readPublic(open) == [pair.publicKey, other.publicKey])
        #expect(try mode(secret) == 0o600 && mode(open) == 0o644)
        #expect(try folder.contents() == ["a.pub", "a.secret"])
        #expect(PublicKey(text: pair.publicKey.text) == pair.publicKey)
    }

    @Test("a secret shows itself neither in text nor in a dump")
    func hidden() throws {
        let pair = try KeyPair.generate()
        let path = folder.file("a.secret")
        try KeyFile.writeSecret(pair, to: path)
        let letters = try #require(
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").last.map(String.init))
        var dumped = ""
        dump(pair, to: &dumped)
        for text in ["\(pair)", "\(pair.secret)", String(reflecting: pair), dumped] {
            #expect(!text.contains(letters))
            #expect(text.contains("secret"))
        }
    }

    @Test("a secret that others may use is refused, with the remedy", arguments: [0o644, 0o640, 0o604, 0o660, 0o601])
    func open(_ mode: Int) throws {
        let path = folder.file("a.secret")
        try KeyFile.writeSecret(KeyPair.generate(), to: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let error = #expect(throws: KeyError.openToOthers(path: path, mode: UInt32(mode))) {
            try KeyFile.readSecret(path)
        }
        #expect(error?.description.hasSuffix("run `chmod 600 \(path)`") == true)
        // of what the service manager hands over the group may read: that is the mask of its access list
        if mode == 0o640 { #expect(try KeyFile.readSecret(path, isCredential: true).publicKey.octets.count == 32) }
        if mode != 0o640 {
            #expect(throws: KeyError.openToOthers(path: path, mode: UInt32(mode))) {
                try KeyFile.readSecret(path, isCredential: true)
            }
        }
    }

    @Test(
        "what is no file of public keys is refused by its line",
        arguments: [
            ("", 1), ("\n", 1), ("perigee curve secret 1\nK\n", 1), ("perigee curve public 2\nK\n", 1),
            ("perigee curve public 1\n", 2), ("perigee curve public 1\nK\nK\n", 3),
            ("perigee curve public 1\nshort\n", 2), ("perigee curve public 1\n \n", 2),
            ("perigee curve public 1\nK \n", 2), ("perigee curve public 1\n\nK\n", 2),
            ("perigee curve public 1\nK\nL\nM\n", 4), ("perigee curve public 1\r\nK\r\n", 1),
            ("perigee curve public 1\n" + String(repeating: "~", count: 40) + "\n", 2),
            ("perigee curve public 1\n" + String(repeating: "#", count: 40) + "\n", 2),
            (String(repeating: "a", count: 2_000), 1),
        ])
    func malformed(_ text: String, line: Int) throws {
        let keys = try (0..<3).map { _ in try KeyPair.generate().publicKey.text }
        // in two steps: a key may itself begin with one of these letters
        let places = zip(["K", "L", "M"], ["\u{1}", "\u{2}", "\u{3}"])
        var filled = places.reduce(text) { $0.replacingOccurrences(of: "\n\($1.0)", with: "\n\($1.1)") }
        for (place, key) in zip(["\u{1}", "\u{2}", "\u{3}"], keys) {
            filled = filled.replacingOccurrences(of: place, with: key)
        }
        let path = try write(filled, "a.pub")
        let error = #expect(throws: KeyError.self) { try KeyFile.readPublic(path) }
        guard case .malformed(path, line, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "a daemon takes the service manager's credential before its own file, and goes without where neither is there")
    func own() throws {
        let (file, credentials) = (folder.file("a.secret"), folder.file("credentials"))
        #expect(try KeyFile.own(file, credentials: nil) == nil)
        #expect(try KeyFile.own(file, credentials: credentials) == nil)
        let pairs = try (0..<2).map { _ in try KeyPair.generate() }
        try KeyFile.writeSecret(pairs[0], to: file)
        #expect(try KeyFile.own(file, credentials: credentials) == pairs[0])
        try KeyFile.makeFolder(credentials)
        try KeyFile.writeSecret(pairs[1], to: credentials + "/curve.secret")
        chmod(credentials + "/curve.secret", 0o440)
        #expect(try KeyFile.own(file, credentials: credentials) == pairs[1])
        chmod(credentials + "/curve.secret", 0o444)
        #expect(throws: KeyError.self) { try KeyFile.own(file, credentials: credentials) }
    }

    @Test("a missing file, a folder, a pipe and a cut secret are refused, each by name")
    func strange() throws {
        let missing = folder.file("none")
        #expect(throws: KeyError.missing(path: missing)) { try KeyFile.readSecret(missing) }
        #expect(throws: KeyError.self) { try KeyFile.readPublic(folder.path) }
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(throws: KeyError.malformed(path: pipe, line: 1, reason: "is no regular file")) {
            try KeyFile.readSecret(pipe)
        }
        let pair = try KeyPair.generate()
        let whole = folder.file("a.secret")
        try KeyFile.writeSecret(pair, to: whole)
        let octets = try Data(contentsOf: URL(filePath: whole))
        for count in 0..<(octets.count - 1) {
            let path = folder.file("cut")
            try octets.prefix(count).write(to: URL(filePath: path))
            chmod(path, 0o600)
            #expect(throws: KeyError.self, "\(count)") { try KeyFile.readSecret(path) }
        }
    }
}

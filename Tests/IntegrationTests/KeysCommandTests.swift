import Foundation
import PerigeeJSON
import PerigeeTestSupport
import PerigeeTransport
import Testing

@Suite("perigee keys")
struct KeysCommandTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func keys(_ words: String...) throws -> Programs.Outcome {
        try Programs.perigee(["keys"] + words + ["-d", folder.path])
    }

    private func succeed(_ words: String...) throws -> String {
        let outcome = try Programs.perigee(["keys"] + words + ["-d", folder.path])
        try #require(outcome.code == 0, "\(words): \(outcome.errors)")
        return outcome.output
    }

    /// Letters of every secret in the folder.
    private func secrets() throws -> [String] {
        try folder.contents().filter { $0.contains(".secret") }.map { name in
            let text = try String(contentsOfFile: folder.file(name), encoding: .utf8)
            return try #require(text.split(separator: "\n").last.map(String.init))
        }
    }

    @Test("a pair is made once, its secret closed to others and printed nowhere")
    func generate() throws {
        let output = try succeed("gen", "station")
        let pair = try KeyFile.readSecret(folder.file("station.secret"))
        #expect(try KeyFile.readPublic(folder.file("station.pub")) == [pair.publicKey])
        #expect(output.contains(pair.publicKey.text))
        let again = try keys("gen", "station")
        #expect(again.code == 65 && again.errors.contains("station.secret is there already"))
        #expect(try KeyFile.readSecret(folder.file("station.secret")) == pair)
        let shown = try Programs.succeed("keys", "show", "--json", folder.file("station.secret"))
        guard case .array(let files)? = try shown.json()["files"] else {
            Issue.record("no list of files: \(shown.output)")
            return
        }
        #expect(files.map { $0["keys"] } == [.array([.string(pair.publicKey.text)])])
        for secret in try secrets() {
            for text in [output, again.errors, shown.output] { #expect(!text.contains(secret)) }
        }
        chmod(folder.file("station.secret"), 0o644)
        let open = try Programs.perigee(["keys", "show", folder.file("station.secret")])
        #expect(open.code == 65 && open.errors.contains("mode 0644") && open.errors.contains("chmod 600"))
    }

    @Test("a pair changes in two steps, with both public keys in between")
    func rotate() throws {
        _ = try succeed("gen", "gateway")
        let old = try KeyFile.readSecret(folder.file("gateway.secret"))
        #expect(try keys("rotate", "--finish", "gateway").code == 0, "the file has one key, its own: nothing to do")
        _ = try succeed("rotate", "gateway")
        let both = try KeyFile.readPublic(folder.file("gateway.pub"))
        #expect(both.count == 2 && both.first == old.publicKey)
        #expect(try KeyFile.readSecret(folder.file("gateway.secret")) == old)
        #expect(try keys("rotate", "gateway").code == 65, "it has begun already")
        _ = try succeed("rotate", "--finish", "gateway")
        let new = try KeyFile.readSecret(folder.file("gateway.secret"))
        #expect(try KeyFile.readPublic(folder.file("gateway.pub")) == [new.publicKey])
        #expect(new.publicKey == both.last && new != old)
        #expect(try folder.contents() == ["gateway.pub", "gateway.secret"])
    }

    @Test("a station is allowed and denied by its file; a secret or another name is refused")
    func allow() throws {
        _ = try succeed("gen", "station")
        _ = try succeed("allow", "alpha-1", folder.file("station.pub"))
        let list = folder.file("stations/alpha-1.pub")
        #expect(try KeyFile.readPublic(list) == KeyFile.readPublic(folder.file("station.pub")))
        #expect(try keys("allow", "../alpha", folder.file("station.pub")).code == 65)
        #expect(try keys("allow", "Alpha", folder.file("station.pub")).code == 65)
        #expect(try keys("allow", "alpha-2", folder.file("station.secret")).code == 65)
        #expect(try keys("allow", "alpha-2", folder.file("none.pub")).code == 69)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("stations")) == ["alpha-1.pub"])
        _ = try succeed("deny", "alpha-1")
        #expect(!FileManager.default.fileExists(atPath: list))
        #expect(try keys("deny", "alpha-1").code == 69)
    }
}

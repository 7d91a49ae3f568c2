import Foundation
import PerigeeTestSupport
import Testing

@Suite("Man pages and completion", .timeLimit(.minutes(10)))
struct ManualTests {
    /// What a program of the system printed on standard output and standard error, and its code.
    private func run(_ words: [String]) throws -> (code: Int32, output: String, errors: String) {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardOutput = try Programs.writable(folder.file("output"))
        process.standardError = try Programs.writable(folder.file("errors"))
        try process.run()
        process.waitUntilExit()
        return (
            process.terminationStatus, try String(contentsOfFile: folder.file("output"), encoding: .utf8),
            try String(contentsOfFile: folder.file("errors"), encoding: .utf8)
        )
    }

    /// Without colours, and without letters written twice to be bold.
    private func plain(_ text: String) -> String {
        text.replacing(/\x1B\[[0-9;]*m/, with: "").replacing(/.\x08/, with: "")
    }

    @Test("a page for every command and both daemons, which groff renders without a warning")
    func pages() throws {
        let folder = try TemporaryFolder()
        try Programs.succeed("reference", "--man", folder.file("man"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("man"))
        for name in [
            "perigee.1", "perigee-status.1", "perigee-spool-export.1", "perigee-firmware-activate.1", "perigeed.8",
            "perigee-gateway.8",
        ] { #expect(names.contains(name)) }
        #expect(names.count > 40)
        for name in names {
            let page = try run(["groff", "-man", "-Tutf8", "-ww", folder.file("man/\(name)")])
            #expect(page.code == 0 && page.errors.isEmpty, "\(name): \(page.errors)")
            let text = plain(page.output)
            #expect(text.contains("NAME") && text.contains("OPTIONS") && text.contains("--help"), "\(name)")
        }
        let status = try run(["groff", "-man", "-Tutf8", "-ww", folder.file("man/perigee-status.1")])
        let text = plain(status.output)
        #expect(text.contains("--token-file FILE") && text.contains("EXIT STATUS") && text.contains("EXAMPLES"))
        #expect(text.contains("perigee status --url http://127.0.0.1:9478"), "examples can be copied")
    }

    @Test("bash completes commands of commands, options and choices")
    func bash() throws {
        func complete(_ words: [String]) throws -> [String] {
            let line = words.map { "'\($0)'" }.joined(separator: " ")
            let script = """
                source <('\(Programs.folder)/perigee' completion bash)
                COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1)
                _perigee; printf '%s\\n' "${COMPREPLY[@]}"
                """
            return try run(["bash", "-c", script]).output.split(separator: "\n").map(String.init)
        }
        #expect(try complete(["perigee", "st"]).contains("status"))
        #expect(try complete(["perigee", "spool", ""]).contains("export"))
        #expect(try complete(["perigee", "firmware", "act"]) == ["activate"])
        #expect(try complete(["perigee", "replay", "--wa"]) == ["--wait"])
    }

    @Test("zsh reads its script", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/zsh"), "no zsh"))
    func zsh() throws {
        let folder = try TemporaryFolder()
        let script = try Programs.succeed("completion", "zsh").output
        try script.write(toFile: folder.file("_perigee"), atomically: true, encoding: .utf8)
        let outcome = try run(["zsh", "-n", folder.file("_perigee")])
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    }
}

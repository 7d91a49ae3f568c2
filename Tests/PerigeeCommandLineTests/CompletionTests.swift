import Foundation
import PerigeeCommandLine
import Testing

private let sample = Command(
    "sample-tool", summary: "Tries completion",
    subcommands: [
        Command(
            "encode", summary: "Encodes a frame: don't panic",
            options: [
                .value("mode", .choice(["pub", "push"]), as: "MODE", help: "Socket [kind]"), .flag("json", help: "J"),
            ],
            positionals: [Positional("IN", .file, help: "an image")]),
        Command("archive", summary: "Archives", subcommands: [Command("list", summary: "Lists")]),
    ])

/// Runs the script in a real bash as if the words were typed and the last one completed.
private func complete(_ words: [String], with command: Command) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "perigee-completion-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let function = "_" + command.name.replacingOccurrences(of: "-", with: "_")
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let script = """
        set -u
        \(command.bashCompletion())
        compopt() { :; }
        COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1)
        \(function)
        printf '%s\\n' "${COMPREPLY[@]}"
        """
    let file = folder.appendingPathComponent("script.bash")
    try script.write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [file.path]
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
}

@Test(
    "bash completes commands, options, choices and files",
    arguments: [
        (["sample-tool", "en"], ["encode"]),
        (["sample-tool", "archive", "l"], ["list"]),
        (["sample-tool", "encode", "--m"], ["--mode"]),
        (["sample-tool", "encode", "--mode", "pu"], ["pub", "push"]),
        (["sample-tool", "encode", "scr"], ["script.bash"]),
    ])
func bash(words: [String], expected: [String]) throws {
    #expect(try complete(words, with: sample) == expected)
}

@Test("the bash script of a program without subcommands works too")
func bashFlat() throws {
    let flat = Command("flat", summary: "Flat", options: [.value("config", .file, as: "FILE", help: "Configuration")])
    #expect(try complete(["flat", "--c"], with: flat) == ["--config"])
}

@Test("the zsh script names each command, quoted")
func zsh() {
    let script = sample.zshCompletion()
    #expect(script.hasPrefix("#compdef sample-tool\n"))
    #expect(script.contains("'encode:Encodes a frame\\: don'\\''t panic'"))
    #expect(script.contains("'--mode=[Socket \\[kind\\]]:MODE:(pub push)'"))
    #expect(script.contains("archive) _sample-tool_archive ;;"))
}

import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeSpool
import PerigeeTestSupport
import Testing

/// What every command does alike.
@Suite("The command line, whatever the command", .timeLimit(.minutes(10)))
struct ToolBehaviourTests {
    /// Runs a line of a shell that finds `perigee` on its path; answers what it printed.
    private func shell(_ line: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", line]
        process.environment = ["PATH": Programs.folder + ":/usr/bin:/bin", "PERIGEE_HOME": SharedData.packageRoot]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let octets = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: octets, as: UTF8.self)
    }

    @Test("a reader that has gone is no error")
    func closedPipe() throws {
        #expect(try shell("perigee reference | head -n 1; echo ${PIPESTATUS[0]}") == "# Commands\n0\n")
        #expect(try shell("perigee completion bash | true; echo ${PIPESTATUS[0]}") == "0\n")
    }

    @Test("a reader that has read enough is no error of a command that tells of a daemon, a spool or a machine")
    func closedPipeOfOperators() throws {
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.station().with(["health"], .string("ok")).description)
        let daemons = try Daemons()
        var configuration = SpoolConfiguration()
        configuration.ballast = 0
        var spool = try Spool(
            directory: daemons.folder.file("spool"), configuration: configuration, now: Timestamp(milliseconds: 0),
            machine: "here")
        for number in 0..<900 as Range<UInt64> {
            _ = try spool.append(
                SpoolFrame(
                    number: number, label: "camera", priority: 2, rawSize: 1, stored: Timestamp(milliseconds: 0),
                    layers: [[[7]]]))
        }
        try spool.commit()
        _ = consume spool
        let folder = daemons.folder.file("spool")
        for command in [
            "status --url \(server.url)", "status --json --url \(server.url)", "spool ls \(folder)",
            "spool ls --json \(folder)",
        ] {
            for reader in ["head -n 1 > \(daemons.folder.file("line"))", "true"] {
                let text = try shell("perigee \(command) | \(reader); echo ${PIPESTATUS[0]}")
                #expect(text == "0\n", "\(command) | \(reader)")
            }
        }
        // what was found of the machine says the code, where all of it was read
        let doctor = "perigee doctor --json --config \(daemons.folder.file("perigeed.toml")) --url \(server.url)"
        #expect(try shell("\(doctor) | true; echo ${PIPESTATUS[0]}") == "0\n")
    }

    @Test(
        "a place that cannot be written is 74, with its name and the reason",
        arguments: ["keys gen -d PLACE station", "simulate -o PLACE --rows 16 --columns 16", "reference --man PLACE"])
    func unwritable(line: String) throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(filePath: folder.file("plain")))
        let place = folder.file("plain/inside")
        let words = line.split(separator: " ").map { $0 == "PLACE" ? place : String($0) }
        let outcome = try Programs.perigee(words)
        #expect(outcome.code == 74 && outcome.output.isEmpty, "\(outcome.code)")
        #expect(outcome.errors.contains(place) && outcome.errors.contains("Not a directory"), "\(outcome.errors)")
    }

    @Test("commands that go on and on end with their reader")
    func closedPipeOfFollowers() throws {
        let server = try StatusServer()
        server.serve("/status.json", try StatusExamples.station().description)
        server.serve("/events.json", try StatusExamples.example(3).description)
        for command in ["top --json", "tap", "tap --json"] {
            let line = "perigee \(command) --url \(server.url) | true; echo ${PIPESTATUS[0]}"
            #expect(try shell(line) == "0\n", "\(command)")
        }
    }

    @Test("a daemon that does not run is told by every command that asks it, with 69 and nothing on standard output")
    func notRunning() throws {
        let free = try RawServer(answer: [])
        free.close()
        for command in ["status", "top", "tap", "drain"] {
            for words in [[command], [command, "--json"]] {
                let outcome = try Programs.perigee(words + ["--url", free.url])
                #expect(outcome.code == 69 && outcome.output.isEmpty, "\(words): \(outcome.code)")
                #expect(outcome.errors.contains("systemctl start perigeed"), "\(words): \(outcome.errors)")
            }
        }
    }

    @Test("a full disk behind standard output is 74, with a reason")
    func fullDisk() throws {
        let text = try shell("perigee reference > /dev/full; echo $?")
        #expect(text.contains("No space left on device") && text.hasSuffix("74\n"))
    }

    @Test(
        "a command that does not exist comes with the one that was meant",
        arguments: [
            (["stauts"], "did you mean status?"), (["spool", "lst"], "did you mean ls?"),
            (["firmware", "roll-back"], "did you mean rollback?"),
            (["spool"], "use one of ls, verify, export, discard"),
            (["dotcor"], "did you mean doctor?"), (["spool", "ls", "--quarantene"], "did you mean --quarantine?"),
        ])
    func unknown(words: [String], text: String) throws {
        let outcome = try Programs.perigee(words)
        #expect(outcome.code == 64 && outcome.output.isEmpty && outcome.errors.contains(text), "\(outcome.errors)")
    }

    @Test(
        "help fits a terminal of 40 columns, except examples, which are to be copied",
        arguments: [
            [], ["status"], ["doctor"], ["spool"], ["spool", "export"], ["firmware", "install"], ["archive", "want"],
        ])
    func narrowHelp(words: [String]) throws {
        let terminal = try PseudoTerminal(words + ["--help"], columns: 40, environment: ["NO_COLOR": "1"])
        let (code, text) = try terminal.finish()
        #expect(code == 0 && text.contains("Usage"))
        for line in text.split(separator: "\n") where !line.hasPrefix("  perigee ") && !line.hasPrefix("  sudo ") {
            #expect(line.count <= 40 || !line.dropFirst(20).contains(" "), "\(line)")
        }
    }
}

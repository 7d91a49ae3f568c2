import Foundation
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// What surrounds a daemon is not as it should be: a message that names it, and the exit code of Docs/commands.md.
@Suite("Daemons in bad surroundings", .timeLimit(.minutes(10)))
struct DaemonSurroundingsTests {
    /// Both daemons with a configuration of their own that works.
    private static let daemons = [("perigeed", "perigeed.toml"), ("perigee-gateway", "gateway.toml")]

    private func run(_ program: String, _ words: [String]) throws -> Programs.Outcome {
        try Programs.run("\(Programs.folder)/\(program)", words)
    }

    @Test("an address of the line that another process has is 69, with the address and the remedy")
    func portTaken() throws {
        let holder = try PortHolder()
        let daemons = try Daemons()
        let address = "tcp://127.0.0.1:\(holder.port)"
        for (program, words) in [
            (
                "perigeed",
                ["--config", daemons.folder.file("perigeed.toml"), "--set"]
                    + ["intake.endpoints=[{ mode = \"pull\", endpoint = \"\(address)\" }]"]
            ),
            (
                "perigee-gateway",
                ["--config", daemons.folder.file("gateway.toml"), "--set", "gateway.endpoint=\(address)"]
            ),
        ] {
            let outcome = try run(program, words)
            #expect(outcome.code == 69, "\(program): \(outcome.errors)")
            #expect(
                outcome.errors.contains(address) && outcome.errors.contains("another process listens there"),
                "\(outcome.errors)")
        }
        withExtendedLifetime(holder) {}
    }

    /// Root may write everywhere, but not into what is no folder.
    @Test("a folder that cannot be written is 74, with its name and the reason", arguments: daemons)
    func unwritable(program: String, file: String) throws {
        let daemons = try Daemons()
        try Data().write(to: URL(filePath: daemons.folder.file("plain")))
        let key = program == "perigeed" ? "spool.directory" : "archive.directory"
        let place = daemons.folder.file("plain/inside")
        let outcome = try run(program, ["--config", daemons.folder.file(file), "--set", "\(key)=\(place)"])
        #expect(outcome.code == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains(place) && outcome.errors.contains("Not a directory"), "\(outcome.errors)")
    }

    @Test("a status that cannot be written stops no station: the log names file and remedy")
    func unwritableStatus() async throws {
        let daemons = try Daemons()
        try Data().write(to: URL(filePath: daemons.folder.file("plain")))
        let path = daemons.folder.file("perigeed.toml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing("\"perigeed.json\"", with: "\"plain/perigeed.json\"")
            .write(toFile: path, atomically: true, encoding: .utf8)
        try daemons.startGateway()
        try daemons.startStation()
        try await wait(until: { daemons.log.contains("event=status_not_written") })
        #expect(daemons.log.contains("plain/perigeed.json") && daemons.log.contains("make its folder writable"))
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--rows", "40", "--columns", "40")
        try await daemons.waitForGateway("the frame") { ($0["stored"]?.int ?? 0) >= 2 }
        #expect(daemons.stopStation() == 0)
    }

    @Test("an option that does not exist is 64, with the one that was meant", arguments: daemons)
    func unknownOption(program: String, file: String) throws {
        let outcome = try run(program, ["--confg", file])
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("did you mean --config?"), "\(outcome.errors)")
        // no daemon has subcommands
        #expect(try run(program, ["status"]).code == 64)
    }

    @Test("a check whose output cannot be written is 74, and one whose reader has gone is 0", arguments: daemons)
    func output(program: String, file: String) throws {
        let daemons = try Daemons()
        let line = "'\(Programs.folder)/\(program)' --config '\(daemons.folder.file(file))' --check"
        let full = try Programs.run("/bin/bash", ["-c", "\(line) > /dev/full"])
        #expect(full.code == 74 && full.errors.contains("No space left on device"), "\(full.errors)")
        let closed = try Programs.run("/bin/bash", ["-c", "\(line) | true; echo ${PIPESTATUS[0]}"])
        #expect(closed.output == "0\n")
    }

    /// The log of a daemon goes to a full disk, or to a reader that has gone.
    @Test(
        "a log that nobody takes stops no daemon",
        arguments: ["> /dev/full 2>&1", "2> >(exec true)", "2>&- >&-"])
    func fullLog(redirection: String) async throws {
        let daemons = try Daemons()
        var processes: [Process] = []
        defer {
            for process in processes where process.isRunning {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
        }
        for (program, file) in Self.daemons {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = [
                "-c", "exec '\(Programs.folder)/\(program)' --config '\(daemons.folder.file(file))' \(redirection)",
            ]
            process.environment = ProcessInfo.processInfo.environment.merging([
                "PERIGEE_HOME": SharedData.packageRoot
            ]) { $1 }
            try process.run()
            processes.append(process)
        }
        func status(_ name: String) -> String {
            (try? String(contentsOfFile: daemons.folder.file(name), encoding: .utf8)) ?? ""
        }
        try await wait(until: { status("perigeed.json").contains("\"running\"") && status("gateway.json") != "" })
        try Programs.succeed(
            "simulate", "--publish", "--endpoint", daemons.frames, "--rows", "40", "--columns", "40")
        try await wait(until: {
            daemons.status?["ledger"]?["delivered"]?.int == 1
        })
        for process in processes {
            process.terminate()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit && process.terminationStatus == 0)
        }
    }
}

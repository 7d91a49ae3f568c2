import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeTools

extension PublishCommand {
    static func run(_ arguments: Arguments) async throws -> ExitCode {
        let catalog = try Library(arguments).sensors()
        let settings = try SendingOptions.settings(arguments)
        var publisher = try FramePublisher(settings)
        try publisher.waitForPeer()
        var progress = Progress("publish", total: arguments.positionals.count, unit: "frames")
        var rawSize = 0
        var notes: Set<String> = []
        for (index, path) in arguments.positionals.enumerated() {
            var input = try InputFrame(path: path, arguments, catalog: catalog)
            input.settleTime(arguments)
            try await publisher.send(input.frame)
            // One word about each matter, at the first file it concerns.
            for note in input.notes where notes.count < 100 && notes.insert(note).inserted {
                Terminal.print("note: \(path): \(note)", to: .error)
            }
            rawSize += input.frame.samples.bytes.count
            progress.update(index + 1, note: path)
        }
        progress.finish()
        try publisher.finish()
        SendingReport.print(
            frames: arguments.positionals.count, rawSize: rawSize, sentSize: publisher.sentSize, settings,
            isJSON: arguments.flag("json"))
        return .ok
    }
}

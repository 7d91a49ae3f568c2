import PerigeeCommandLine
import PerigeeJSON

/// What a sending command says at its end.
package enum SendingReport {
    package static func print(
        frames: Int, rawSize: Int, sentSize: Int, _ settings: FramePublisher.Settings, isJSON: Bool
    ) {
        if isJSON {
            Terminal.print(
                JSONValue.object([
                    "run": .string(settings.run), "endpoint": .string(settings.endpoint),
                    "mode": .string(settings.isPublish ? "pub" : "push"), "frames": .integer(frames),
                    "raw_bytes": .integer(rawSize), "sent_bytes": .integer(sentSize),
                ]).indented)
        } else {
            Terminal.print(
                "\(frames) frames, \(Table.group(rawSize)) octets of samples sent to \(settings.endpoint) as \(settings.run)"
            )
        }
    }
}

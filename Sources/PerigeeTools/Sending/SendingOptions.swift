package import PerigeeCommandLine
import PerigeeFrameFormat
import PerigeeTransport

/// Options of the commands that send frames.
package enum SendingOptions {
    static let pushEndpoint = "tcp://127.0.0.1:5570"
    static let publishEndpoint = "tcp://*:5560"

    static let all = [
        Option.value(
            "mode", .choice(["push", "pub"]), as: "MODE",
            help:
                "push waits while the station is busy (its intake is a pull); pub reaches several (its intake is a sub)",
            default: "push"),
        Option.value(
            "endpoint", .text, as: "ADDRESS",
            help: "ZeroMQ endpoint; else \(pushEndpoint) for push, \(publishEndpoint) for pub"),
        Option.flag("bind", help: "Listen at the endpoint, as pub does"),
        Option.flag("connect", help: "Connect to the endpoint, as push does"),
        Option.value("secret", .file, as: "FILE", help: "Own secret key, for an intake that has a list of sources"),
        Option.value("server", .file, as: "FILE", help: "Public key of the station, which goes with --secret"),
        Option.value("run", .text, as: "NAME", help: "Name of this run of the source; else a random one"),
        Option.value(
            "encoding", .choice(["none", "zstd"]), as: "NAME", help: "Of the samples on the way", default: "none"),
        Option.value("rate", .number(1e-3...1e6), as: "N", help: "Frames a second; else as fast as they are taken"),
        Option.value(
            "wait", .integer(1...86_400), as: "SECONDS", help: "How long to wait for a station to take frames",
            default: "30"),
    ]

    package static func settings(_ arguments: Arguments) throws(CommandFailure) -> FramePublisher.Settings {
        var settings = FramePublisher.Settings()
        settings.isPublish = arguments.text("mode") == "pub"
        settings.endpoint = arguments.text("endpoint") ?? (settings.isPublish ? publishEndpoint : pushEndpoint)
        guard !(arguments.flag("bind") && arguments.flag("connect")) else {
            throw CommandFailure(.usage, "--bind and --connect exclude each other: give one of them")
        }
        settings.binds = arguments.flag("bind") || (settings.isPublish && !arguments.flag("connect"))
        settings.curve = try curve(arguments)
        if settings.curve != nil, settings.binds {
            throw CommandFailure(.usage, "--secret is for an intake that listens: connect to it, without --bind")
        }
        settings.run = arguments.text("run") ?? randomRun()
        settings.encoding = arguments.text("encoding") == "zstd" ? .zstd : .none
        settings.rate = arguments.number("rate")
        settings.patienceMilliseconds = (arguments.integer("wait") ?? 30) * 1_000
        return settings
    }

    private static func curve(_ arguments: Arguments) throws(CommandFailure) -> CurveRole? {
        switch (arguments.text("secret"), arguments.text("server")) {
        case (nil, nil): return nil
        case (let secret?, let server?):
            do throws(KeyError) {
                guard let key = try KeyFile.readPublic(server).first else { return nil }
                return .client(own: try KeyFile.readSecret(secret), server: key)
            } catch { throw CommandFailure(.data, "\(error)") }
        default: throw CommandFailure(.usage, "--secret and --server go together: give both")
        }
    }

    private static func randomRun() -> String {
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return "run-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

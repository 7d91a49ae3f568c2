import Glibc
import PerigeeCommandLine
import PerigeeConfig
import PerigeeJSON
import PerigeeService
import PerigeeTransport

/// Does the configuration say what can be read?
enum ConfigurationLook {
    static func read(_ path: String) -> (StationConfiguration?, Finding) {
        do throws(ConfigurationError) {
            let configuration = try StationConfiguration(path: path)
            return (configuration, .good("configuration", "\(path) can be read, station \(configuration.stationID)"))
        } catch {
            return (
                nil,
                .bad(
                    "configuration", "\(error)",
                    "correct it and check it with `perigeed --check --config \(path)`; nothing that it names was looked at"
                )
            )
        }
    }
}

/// Does the daemon run, how is it, and is its port its own?
enum DaemonLook {
    static func ask(_ address: DaemonAddress, statusFile: String?) -> [Finding] {
        do throws(CommandFailure) {
            return [.good("http", "\(address.url.text) answers"), health(try address.status())]
        } catch {
            // it may answer by file alone
            if let statusFile, let document = try? address.status(file: statusFile) {
                let remedy = "set [http] listen to \(address.url.authority), unless it is off on purpose"
                return [.warning("http", error.message, remedy), health(document)]
            }
            let isTaken = error.code == .data || error.message.contains("answers")
            let taken = "another program has \(address.url.authority): end it, or choose another port in [http] listen"
            return [
                isTaken
                    ? .bad("http", error.message, taken) : .good("http", "\(address.url.authority) is free"),
                .warning("daemon", "it does not run", "start it with `systemctl start perigeed`"),
            ]
        }
    }

    private static func health(_ document: StatusDocument) -> Finding {
        let text = "\(document.state), \(document.health.rawValue)"
        let names = document.alerts.map { "\($0.name): \($0.remedy)" }.joined(separator: "; ")
        return switch document.health {
        case .ok: .good("daemon", text)
        case .degraded: .warning("daemon", text, names)
        case .failing: .bad("daemon", text, names)
        }
    }
}

/// Is the clock kept by somebody?
enum ClockLook {
    private static let remedy = "run a time service: `apt-get install chrony`, or `timedatectl set-ntp true`"

    static func look() -> Finding {
        switch SystemState.read(folder: "/").isClockSynchronised {
        case true?: .good("clock", "synchronised, says the kernel")
        case false?: .bad("clock", "not synchronised: times of frames cannot be trusted", remedy)
        case nil: .unknown("clock", "the kernel may not be asked here", "run it outside of the sandbox; else \(remedy)")
        }
    }
}

/// Has the machine the memory that the configuration may ask for?
enum MemoryLook {
    /// Of a frame's samples, what a lane holds while it encodes: the frame, and about five times its size.
    private static let laneFactor = 6

    static func look(_ configuration: StationConfiguration) -> Finding {
        guard let total = field("MemTotal"), let available = field("MemAvailable") else {
            return .unknown("memory", "/proc/meminfo does not tell of it", "see `free -h`")
        }
        let lanes = configuration.lanes > 0 ? configuration.lanes : ProcessorCount.available
        let most = configuration.intakeSizeLimit + lanes * laneFactor * configuration.frameSizeLimit
        let text =
            "\(Amount.octets(total)), \(Amount.octets(available)) free; the largest frames on \(lanes) lanes may need "
            + Amount.octets(most)
        let remedy =
            "lower [limits] frame_bytes to the largest frame there is, intake_bytes, or [encoder] lanes"
        if most > total { return .warning("memory", text, remedy) }
        return available < 256 << 20
            ? .warning("memory", text, "see what else runs here with `ps aux --sort=-rss`") : .good("memory", text)
    }

    private static func field(_ name: String) -> Int? {
        for line in (FileOctets.text("/proc/meminfo") ?? "").split(separator: "\n") where line.hasPrefix("\(name):") {
            let words = line.split(separator: " ")
            return words.count > 1 ? Int(words[1]).map { $0 * 1_024 } : nil
        }
        return nil
    }
}

/// How tight is the sandbox of the unit?
enum UnitLook {
    /// Exposure of ten at most; the unit of the package has 1.1.
    private static let limit = 2.0
    private static let places = [
        "/etc/systemd/system/perigeed.service", "/usr/lib/systemd/system/perigeed.service",
        "/lib/systemd/system/perigeed.service",
    ]

    static func look(_ path: String?) -> Finding {
        guard let path = path ?? places.first(where: FileOctets.exists) else {
            return .unknown("unit", "there is no perigeed.service here", "install the package, which brings it")
        }
        guard
            let answer = try? ChildProcess.run(
                "systemd-analyze", ["security", "--offline=true", "--no-pager", path])
        else {
            return .unknown(
                "unit", "there is no systemd-analyze here", "rate it where systemd is: it is part of systemd")
        }
        // → Overall exposure level for perigeed.service: 1.1 OK
        guard let line = answer.output.split(separator: "\n").last(where: { $0.contains("Overall exposure level") }),
            let colon = line.lastIndex(of: ":"),
            let rating = line[line.index(after: colon)...].split(separator: " ").first.flatMap({ Double($0) })
        else {
            return .unknown("unit", "systemd-analyze does not rate \(path)", "see `systemd-analyze verify \(path)`")
        }
        let text = "systemd rates \(path) with an exposure of \(Table.number(rating, digits: 1)) of 10"
        return rating <= limit
            ? .good("unit", text)
            : .warning("unit", text, "take away what opens the sandbox: `systemd-analyze security perigeed` names it")
    }
}

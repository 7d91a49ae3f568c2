import Glibc

/// Standard output and standard error.
public enum Terminal {
    /// Where text goes.
    public enum Stream: Int32, Sendable {
        case output = 1
        case error = 2
    }

    /// Writes all of `text`, through interruptions. Where standard output cannot be written the process ends: with `ok` where its
    /// reader has gone, as `| head` does, else with `io`. What standard error does not take is lost.
    public static func write(_ text: String, to stream: Stream = .output) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(stream.rawValue, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if stream == .output { endWithoutOutput(errno) }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func endWithoutOutput(_ code: Int32) -> Never {
        if code == EPIPE { exit(ExitCode.ok.rawValue) }
        let reason = String(cString: strerror(code))
        print("standard output cannot be written: \(reason): check the disk that it goes to", to: .error)
        exit(ExitCode.io.rawValue)
    }

    /// Writes `text` and an end of line.
    public static func print(_ text: String, to stream: Stream = .output) { write(text + "\n", to: stream) }

    /// Somebody looks at it, and it can move its cursor.
    public static func isInteractive(_ stream: Stream) -> Bool {
        isatty(stream.rawValue) == 1 && environment("TERM") != "dumb"
    }

    /// Colours are wanted: a terminal, and NO_COLOR (no-color.org) is not set.
    public static func hasColor(_ stream: Stream) -> Bool {
        isInteractive(stream) && (environment("NO_COLOR") ?? "").isEmpty
    }

    /// Columns and rows of the terminal behind a stream; nil where there is none, or one too small to write on.
    public static func size(_ stream: Stream) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return nil }
        return (Int(size.ws_col), max(Int(size.ws_row), 2))
    }

    /// Columns of the terminal, 80 where there is none.
    public static var width: Int { (size(.error) ?? size(.output))?.columns ?? 80 }

    /// A variable of the environment; nil where it is not set.
    public static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        return String(cString: value)
    }
}

/// How a piece of text stands out.
public enum Style: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"

    /// `text` in this style where `isOn`, else as it is.
    public func apply(_ text: String, isOn: Bool) -> String { isOn ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text }
}

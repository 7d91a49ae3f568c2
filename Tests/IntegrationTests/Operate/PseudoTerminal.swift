import Foundation
import PerigeeTestSupport
import Testing

/// A program on a terminal of its own: what it writes, what it is typed, and how large its window is.
final class PseudoTerminal {
    let process = Process()
    private let primary: Int32
    private let secondary: Int32
    private(set) var output = ""

    /// Starts `perigee` with `words` in a window of this size.
    init(_ words: [String], columns: Int, rows: Int = 24, environment: [String: String] = [:]) throws {
        // by hand, as posix_openpt does it: Glibc's module leaves that out
        primary = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var isLocked: Int32 = 0
        var number: UInt32 = 0
        let unlock: UInt = 0x4004_5431, getNumber: UInt = 0x8004_5430
        _ = ioctl(primary, unlock, &isLocked)
        _ = ioctl(primary, getNumber, &number)
        secondary = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(primary >= 0 && secondary >= 0)
        resize(columns: columns, rows: rows)
        process.executableURL = URL(filePath: Programs.folder + "/perigee")
        process.arguments = words
        var variables = ProcessInfo.processInfo.environment
        variables["PERIGEE_HOME"] = SharedData.packageRoot
        variables["TERM"] = "xterm"
        variables["NO_COLOR"] = nil
        variables.merge(environment) { $1 }
        process.environment = variables
        let handle = FileHandle(fileDescriptor: secondary)
        process.standardInput = handle
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        close(primary)
        close(secondary)
    }

    /// Of the terminal as the program left it: whether it echoes and waits for whole lines.
    var isCooked: Bool {
        var settings = termios()
        tcgetattr(secondary, &settings)
        return settings.c_lflag & tcflag_t(ECHO) != 0 && settings.c_lflag & tcflag_t(ICANON) != 0
    }

    func resize(columns: Int, rows: Int) {
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(primary, UInt(TIOCSWINSZ), &size)
        // the test is no shell: nobody else tells the program
        if process.isRunning { kill(process.processIdentifier, SIGWINCH) }
    }

    func type(_ text: String) { _ = write(primary, text, text.utf8.count) }

    /// Reads until the output holds what is asked for, or a minute has gone.
    func wait(_ what: String, until isTrue: (String) -> Bool) throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while !isTrue(output) {
            try #require(ContinuousClock.now < deadline, "waited in vain for \(what): \(output.debugDescription)")
            read(milliseconds: 100)
        }
    }

    /// Waits for the end; answers the exit code and all that was written.
    func finish() throws -> (code: Int32, text: String) {
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while process.isRunning {
            try #require(ContinuousClock.now < deadline, "it does not end: \(output.debugDescription)")
            read(milliseconds: 50)
        }
        while read(milliseconds: 0) {}
        #expect(process.terminationReason == .exit)
        return (process.terminationStatus, output.replacingOccurrences(of: "\r\n", with: "\n"))
    }

    /// Forgets what was written so far.
    func clear() { output = "" }

    @discardableResult
    private func read(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: primary, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return false }
        var octets = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(primary, &octets, octets.count)
        guard count > 0 else { return false }
        output += String(decoding: octets.prefix(count), as: UTF8.self)
        return true
    }
}

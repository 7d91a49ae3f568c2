import Glibc
import PerigeeCommandLine

/// A terminal that shows one picture after the other: keys come at once and are not echoed, and what was on the screen before comes
/// back when this value ends.
struct LiveTerminal: ~Copyable {
    private let before: termios

    /// Nil where standard input or output is no terminal.
    init?() {
        var settings = termios()
        guard Terminal.isInteractive(.output), tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
        settings.c_lflag &= ~tcflag_t(ECHO | ICANON)
        // Ctrl-Z would leave the terminal like this
        withUnsafeMutableBytes(of: &settings.c_cc) { $0[Int(VSUSP)] = 0 }
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        // another size ends the wait for a key
        signal(SIGWINCH) { _ in }
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    deinit {
        Terminal.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    var size: (columns: Int, rows: Int) { Terminal.size(.output) ?? (80, 24) }

    /// Shows lines in the place of what was there; those below the last row are left out.
    borrowing func show(_ lines: [String]) {
        let rows = size.rows
        var text = "\u{1B}[H"
        for (index, line) in lines.prefix(rows).enumerated() {
            text += (index == 0 ? "" : "\n") + line + "\u{1B}[K"
        }
        Terminal.write(text + "\u{1B}[J")
    }

    /// What woke the wait.
    enum Wake: Equatable {
        case key(UInt8)
        /// Another size, a signal, or the end of the time.
        case other
        /// Nobody is there any more.
        case closed
    }

    borrowing func wait(milliseconds: Int) -> Wake {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(clamping: milliseconds)) > 0 else { return .other }
        var octet: UInt8 = 0
        let count = read(STDIN_FILENO, &octet, 1)
        if count == 1 { return .key(octet) }
        return count == 0 || errno != EINTR ? .closed : .other
    }
}

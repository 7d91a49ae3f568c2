import Foundation
import PerigeeConcurrency
import PerigeeService
import PerigeeTestSupport
import Testing

/// A log into a file, with a clock that the test turns.
private final class Book {
    let folder: TemporaryFolder
    let log: ServiceLog
    let clock = Locked<UInt64>(1_000_000_000)
    private let descriptor: Int32

    init(inJournal: Bool = false) throws {
        folder = try TemporaryFolder()
        descriptor = open(folder.file("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        var status = stat()
        try #require(fstat(descriptor, &status) == 0)
        let clock = clock
        log = ServiceLog(
            descriptor: descriptor, journal: inJournal ? "\(status.st_dev):\(status.st_ino)" : "8:1",
            nanoseconds: { clock.current })
    }

    deinit { close(descriptor) }

    func pass(milliseconds: UInt64) { clock.withLock { $0 += milliseconds * 1_000_000 } }

    /// What was written, without the calendar's time.
    func lines() throws -> [String] {
        try String(contentsOfFile: folder.file("log"), encoding: .utf8).split(separator: "\n").map {
            $0.hasPrefix("time=") ? String($0.drop { $0 != " " }.dropFirst()) : String($0)
        }
    }
}

@Test("a line begins with the time, and for the journal with the priority instead")
func lineHeads() throws {
    let plain = try Book()
    plain.log.write(.warning, "denied", ["station": "s1"])
    let text = try String(contentsOfFile: plain.folder.file("log"), encoding: .utf8)
    #expect(text.hasPrefix("time=20"))
    #expect(try plain.lines() == ["level=warning event=denied station=s1"])

    let journal = try Book(inJournal: true)
    journal.log.write(.info, "a")
    journal.log.write(.notice, "b")
    journal.log.write(.warning, "c")
    journal.log.write(.error, "d")
    #expect(
        try journal.lines() == [
            "<6>level=info event=a", "<5>level=notice event=b", "<4>level=warning event=c", "<3>level=error event=d",
        ])
}

@Test("lines below the level are neither written nor counted, and without a word info is the lowest")
func levels() throws {
    let book = try Book()
    book.log.write(.debug, "frame")
    book.log.write(.info, "a")
    book.log.take(level: "warning")
    for level in [ServiceLog.Level.debug, .info, .notice, .warning, .error] {
        for _ in 0..<2 { book.log.write(level, "b", key: level.rawValue) }
    }
    book.pass(milliseconds: 1_000)
    book.log.flush()
    book.log.take(level: "debug")
    book.log.write(.debug, "frame")
    #expect(
        try book.lines() == [
            "level=info event=a", "level=warning event=b", "level=error event=b",
            "level=error event=b key=error repeated=1", "level=warning event=b key=warning repeated=1",
            "level=debug event=frame",
        ])
}

@Test("within a second a class says one line; the next one says how many were left out")
func repeats() throws {
    let book = try Book()
    for _ in 0..<5 { book.log.write(.error, "denied", ["station": "s1"]) }
    book.log.write(.error, "denied", key: "other", ["station": "s2"])
    book.pass(milliseconds: 1_000)
    book.log.write(.error, "denied", ["station": "s3"])
    #expect(
        try book.lines() == [
            "level=error event=denied station=s1", "level=error event=denied station=s2",
            "level=error event=denied station=s3 repeated=4",
        ])
}

@Test("what was left out is told though nothing more happens")
func repeatsAreFlushed() throws {
    let book = try Book()
    for _ in 0..<3 { book.log.write(.warning, "denied", key: "a", ["station": "s1"]) }
    book.log.flush()
    #expect(try book.lines().count == 1)
    book.pass(milliseconds: 1_000)
    book.log.flush()
    book.pass(milliseconds: 1_000)
    book.log.flush()
    #expect(
        try book.lines() == ["level=warning event=denied station=s1", "level=warning event=denied key=a repeated=2"])
}

@Test("a flood of classes is told apart only up to a limit, and all of it is counted")
func classLimit() throws {
    let book = try Book()
    for index in 0..<5_000 { book.log.write(.warning, "denied", key: "\(index)") }
    #expect(try book.lines().count == 1_025)
    book.pass(milliseconds: 1_000)
    book.log.flush()
    #expect(try book.lines().last == "level=warning event=denied repeated=3975")
}

@Test(
    "outside strings cannot leave their value, break a line or reach the terminal",
    arguments: [
        ("plain", "plain"),
        ("", #""""#),
        ("a b", #""a b""#),
        ("\u{1B}[31mred", #""\u{1b}[31mred""#),
        ("one\nlevel=error event=forged", #""one\u{a}level=error event=forged""#),
        ("a\"b\\c=d", #""a\"b\\c=d""#),
        ("\u{9B}2J", #""\u{9b}2J""#),
        ("\u{7F}", #""\u{7f}""#),
        ("abc\u{202E}fdp", #""abc\u{202e}fdp""#),
        ("\u{2028}", #""\u{2028}""#),
        ("Žižkov", "Žižkov"),
    ])
func escapes(value: String, expected: String) throws {
    let book = try Book()
    book.log.write(.info, "named", ["name": value])
    #expect(try book.lines() == ["level=info event=named name=\(expected)"])
}

@Test("lines that a full disk did not take are counted in the next one")
func fullDisk() throws {
    let folder = try TemporaryFolder()
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(full >= 0)
    defer { close(full) }
    let log = ServiceLog(descriptor: full)
    log.write(.info, "a")
    log.write(.info, "b")
    // the same descriptor, on a disk with room again
    let file = open(folder.file("log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try #require(file >= 0 && dup2(file, full) == full)
    close(file)
    log.write(.info, "c")
    log.write(.info, "d")
    let lines = try String(contentsOfFile: folder.file("log"), encoding: .utf8).split(separator: "\n")
    #expect(lines.map { $0.hasSuffix("event=c lost_lines=2") || $0.hasSuffix("event=d") } == [true, true])
}

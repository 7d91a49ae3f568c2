import Foundation
import PerigeeConcurrency
import PerigeeService
import PerigeeTestSupport
import Testing

@Suite("watchdog", .timeLimit(.minutes(10)))
struct WatchdogTests {
    private func log() throws -> (ServiceLog, () throws -> String) {
        let folder = try TemporaryFolder()
        let descriptor = open(folder.file("log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        return (
            ServiceLog(descriptor: descriptor), { try String(contentsOfFile: folder.file("log"), encoding: .utf8) }
        )
    }

    @Test("the manager is told while every loop turns, and not while one hangs")
    func feeds() async throws {
        let manager = try Manager()
        let notifier = ServiceNotifier(path: manager.name)
        let (log, text) = try log()
        let watchdog = Watchdog(microseconds: 4_000_000)
        let link = watchdog.loop("link")
        let spool = watchdog.loop("spool")
        watchdog.turn(notifier, log)
        #expect(manager.next() == "WATCHDOG=1")
        try await wait {
            link.note()
            return spool.isStalled
        }
        watchdog.turn(notifier, log)
        #expect(manager.next() == nil)
        #expect(watchdog.stalled == ["spool"])
        #expect(try text().contains("level=error event=loop_stalled loop=spool "))
        spool.note()
        link.note()
        watchdog.turn(notifier, log)
        #expect(manager.next() == "WATCHDOG=1")
    }

    @Test("a thread that is blocked stops the feeding, and one that is let go on starts it again")
    func blockedThread() async throws {
        let manager = try Manager()
        let (log, _) = try log()
        let watchdog = Watchdog(microseconds: 4_000_000)
        let progress = watchdog.loop("lane-0")
        let work = BoundedQueue<BoundedQueue<Bool>>(itemLimit: 1, octetLimit: 1)
        let thread = NamedThread("lane-0") {
            while let block = work.take(noting: progress) { _ = block.take() }  // the block: it waits without turning
            progress.end()
        }
        watchdog.start(ServiceNotifier(path: manager.name), log: log)
        func hears() -> Bool {
            while let word = manager.next() { if word == "WATCHDOG=1" { return true } }
            return false
        }
        try await wait { hears() }
        let block = BoundedQueue<Bool>(itemLimit: 1, octetLimit: 1)
        #expect(work.offer(block, size: 0) == .accepted)
        try await wait { !watchdog.stalled.isEmpty }
        while hears() {}  // what was said before
        let quiet = monotonicNanoseconds()
        try await wait {
            #expect(!hears())
            return monotonicNanoseconds() - quiet >= 2_500_000_000
        }
        block.close()
        try await wait { hears() }
        #expect(watchdog.stalled.isEmpty)
        work.close()
        thread.join()
    }

    @Test("without a manager that waits nothing is sent, and loops that hang are still known")
    func noManager() throws {
        let manager = try Manager()
        let (log, _) = try log()
        let watchdog = Watchdog()
        _ = watchdog.loop("link")
        watchdog.turn(ServiceNotifier(path: manager.name), log)
        #expect(manager.next() == nil)
        #expect(watchdog.stalled.isEmpty)
    }
}

@Test("a start that gets work done asks for more time until it ends", .timeLimit(.minutes(10)))
func longStart() async throws {
    let manager = try Manager()
    let start = StartWatch(ServiceNotifier(path: manager.name), doing: "opening the spool")
    var word: String?
    try await wait {
        word = manager.next()
        return word != nil
    }
    #expect(word == "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opening the spool, 0 s")
    start.end()
    while manager.next() != nil {}
    #expect(manager.next() == nil)
}

@Suite("backoff of storage faults")
struct FaultBackoffTests {
    @Test("waits double up to a minute, and are gone once the disk works")
    func doubles() throws {
        let folder = try TemporaryFolder()
        let backoff = FaultBackoff(directory: folder.path)
        var waits = [backoff.waitSeconds]
        for _ in 0..<9 {
            backoff.noteFault()
            waits.append(backoff.waitSeconds)
        }
        #expect(waits == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60])
        #expect(FaultBackoff(directory: folder.path).faults == 9)
        backoff.clear()
        #expect(backoff.waitSeconds == 0)
        #expect(try folder.contents().isEmpty)
    }

    @Test("without a directory nothing is counted", arguments: [nil, "/nowhere/perigee"])
    func nowhere(directory: String?) {
        let backoff = FaultBackoff(directory: directory)
        backoff.noteFault()
        #expect(backoff.waitSeconds == 0)
    }

    @Test("a count that is none counts as none", arguments: ["", "x", "-3", "99999999999999999999"])
    func strangeCount(text: String) throws {
        let folder = try TemporaryFolder()
        try text.write(toFile: folder.file("storage-faults"), atomically: true, encoding: .utf8)
        #expect(FaultBackoff(directory: folder.path).waitSeconds == 0)
    }
}

@Test(
    "a backlog is said in numbers that a person reads",
    arguments: [
        (0, 0, "nothing waits"), (1, 999, "1 packet (999 B) waits"), (12, 3_412, "12 packets (3.4 KB) wait"),
        (2, 99_960, "2 packets (100 KB) wait"), (9, 999_600, "9 packets (1.0 MB) wait"),
        (80_000, 1_234_567_890, "80000 packets (1.2 GB) wait"),
    ])
func backlog(packets: Int, size: Int, text: String) {
    #expect(ServiceText.backlog(packets: packets, size: size) == text)
}

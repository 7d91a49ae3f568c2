import Glibc
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeSpool

/// Measures a spool beside a plain file on the same disk, in turns.
struct SpoolBench {
    /// One kind of load: frames of `packets`, `group` frames to a commit.
    struct Load {
        var name: String
        var packets: [Int]
        var group: Int

        var size: Int { packets.reduce(0, +) }
    }

    /// Packets per second of the rounds, ascending.
    struct Rates {
        var spool: [Double] = []
        var file: [Double] = []
    }

    struct Result {
        var loads: [(load: Load, rates: Rates)] = []
        var quota = 0
        var packets = 0
        var fileSize = 0
        var fillSeconds = 0.0
        /// Resident octets with an empty and with the full spool open.
        var emptyMemory = 0
        var fullMemory = 0
        /// Seconds that opening took, ascending: after a clean end, and with a long log.
        var openings: [Double] = []
        var openingWithLog = 0.0
        var settledPerSecond = 0.0
        var loadedPerSecond = 0.0
    }

    static let rounds = 5
    static let loads = [
        Load(name: "300 octets, single commit", packets: [300], group: 1),
        Load(name: "300 octets, group commit", packets: [300], group: 64),
        Load(name: "20,000 octets, single commit", packets: [8_192, 8_192, 3_616], group: 1),
        Load(name: "20,000 octets, group commit", packets: [8_192, 8_192, 3_616], group: 3),
    ]

    let directory: String
    let quota: Int
    let seconds: Double

    func run() throws(SpoolError) -> Result {
        var result = Result()
        for load in Self.loads {
            var rates = Rates()
            for round in 0..<Self.rounds {
                rates.file.append(try fileRate(load, round))
                rates.spool.append(try spoolRate(load, round))
            }
            rates.file.sort()
            rates.spool.sort()
            result.loads.append((load, rates))
        }
        try measureFull(&result)
        return result
    }

    private func configuration(quota: Int) -> SpoolConfiguration {
        var configuration = SpoolConfiguration()
        configuration.quota = quota
        configuration.reserved = 0
        configuration.ballast = 0
        configuration.sentRing = 0
        configuration.finerRing = 0
        configuration.rawRing = 0
        return configuration
    }

    private func open(_ name: String, quota: Int) throws(SpoolError) -> Spool {
        try Spool(
            directory: "\(directory)/\(name)", configuration: configuration(quota: quota), now: Self.now,
            machine: "bench")
    }

    private static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    private static func elapsed(_ start: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - start).components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }

    /// Packets of a load, other octets for each number.
    private static func packets(_ load: Load, _ number: UInt64) -> [[UInt8]] {
        load.packets.map { size in
            var packet = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
            packet[0] = UInt8(truncatingIfNeeded: number >> 8)
            return packet
        }
    }

    private static func frame(_ number: UInt64, _ packets: [[UInt8]], _ time: Timestamp) -> SpoolFrame {
        SpoolFrame(number: number, label: "bench", priority: 2, rawSize: 0, stored: time, layers: [packets])
    }

    private func spoolRate(_ load: Load, _ round: Int) throws(SpoolError) -> Double {
        var spool = try open("rate", quota: 1 << 30)
        let epoch = spool.epoch
        let start = ContinuousClock.now
        var maintained = start
        var count = 0
        while Self.elapsed(start) < seconds {
            for _ in 0..<load.group {
                let number = spool.nextFrame
                _ = try spool.append(Self.frame(number, Self.packets(load, number), Self.now))
                count += load.packets.count
            }
            try spool.commit()
            if Self.elapsed(maintained) > 1 {
                try spool.maintain(now: Self.now)
                maintained = ContinuousClock.now
            }
        }
        let rate = Double(count) / Self.elapsed(start)
        // The next round begins with an empty spool again.
        while try !spool.settle(epoch, cumulative: .max).isComplete { try spool.commit() }
        try spool.commit()
        return rate
    }

    private func fileRate(_ load: Load, _ round: Int) throws(SpoolError) -> Double {
        let path = "\(directory)/plain"
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .file(operation: "open", path: path, reason: String(cString: strerror(errno)))
        }
        defer {
            close(descriptor)
            unlink(path)
        }
        let start = ContinuousClock.now
        var count = 0
        while Self.elapsed(start) < seconds {
            var octets: [UInt8] = []
            for index in 0..<load.group {
                for packet in Self.packets(load, UInt64(count + index)) { octets += packet }
                count += load.packets.count
            }
            let written = octets.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard written == octets.count, fdatasync(descriptor) == 0 else {
                throw .file(operation: "write", path: path, reason: String(cString: strerror(errno)))
            }
        }
        return Double(count) / Self.elapsed(start)
    }

    /// Fills a spool with packets of 300 octets, and opens it anew.
    private func measureFull(_ result: inout Result) throws(SpoolError) {
        result.quota = quota
        var spool = try open("full", quota: quota)
        try Self.work(&spool)
        result.emptyMemory = Self.residentMemory
        let load = Self.loads[0]
        let start = ContinuousClock.now
        while spool.charge + 1_000 < quota {
            for _ in 0..<256 where spool.charge + 1_000 < quota {
                let number = spool.nextFrame
                _ = try spool.append(Self.frame(number, Self.packets(load, number), Self.now))
            }
            try spool.commit()
            try spool.maintain(now: Self.now)
            guard spool.ledger.droppedTotal == 0 else { throw .full(path: directory) }
        }
        result.fillSeconds = Self.elapsed(start)
        result.packets = try spool.state(spool.epoch).heldCount
        _ = consume spool
        result.fileSize = FileOctets.size("\(directory)/full/spool.db")
        for _ in 0..<Self.rounds {
            let start = ContinuousClock.now
            let spool = try open("full", quota: quota)
            result.openings.append(Self.elapsed(start))
            _ = consume spool
        }
        result.openings.sort()
        var again = try open("full", quota: quota)
        try Self.work(&again)
        result.fullMemory = Self.residentMemory
        try measureReading(&again, &result)
    }

    /// What a station does all the time, so that memory is what it is at work.
    private static func work(_ spool: inout Spool) throws(SpoolError) {
        let epoch = spool.epoch
        for _ in 0..<200 {
            let number = spool.nextFrame
            _ = try spool.append(frame(number, packets(loads[2], number), now))
            try spool.commit()
            let state = try spool.state(epoch)
            _ = try spool.load(epoch, priority: 2, numbers: state.lowest..<state.next, size: 65_536)
            _ = try spool.settle(epoch, cumulative: state.lowest + 10)
            try spool.commit()
            try spool.maintain(now: now)
        }
    }

    private func measureReading(_ spool: inout Spool, _ result: inout Result) throws(SpoolError) {
        let epoch = spool.epoch
        let state = try spool.state(epoch)
        var numbers = state.lowest..<state.next
        var count = 0
        var start = ContinuousClock.now
        while !numbers.isEmpty, Self.elapsed(start) < 5 * seconds {
            let load = try spool.load(epoch, priority: 2, numbers: numbers, size: 65_536)
            count += load.packets.count
            numbers = load.numbers.upperBound..<numbers.upperBound
        }
        result.loadedPerSecond = Double(count) / Self.elapsed(start)
        start = ContinuousClock.now
        count = 0
        while Self.elapsed(start) < 5 * seconds {
            let settlement = try spool.settle(epoch, cumulative: .max)
            try spool.commit()
            try spool.maintain(now: Self.now)
            count += settlement.packets
            if settlement.isComplete { break }
        }
        result.settledPerSecond = Double(count) / Self.elapsed(start)
    }

    /// Octets that the process holds in memory.
    private static var residentMemory: Int {
        guard let text = FileOctets.text("/proc/self/statm") else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}

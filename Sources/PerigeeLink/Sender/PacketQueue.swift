/// What stands behind a `SenderMachine`: packets that are not settled yet, by number. In memory now; the durable spool fulfils
/// it too. Numbers begin at 1, follow each other, and are never used twice.
public protocol PacketQueue {
    /// The smallest number that is not settled, or `next` where none is held.
    var lowest: UInt64 { get }
    /// The number that the next packet will get.
    var next: UInt64 { get }
    /// Packets and their octets that are not settled.
    var heldCount: Int { get }
    var heldSize: Int { get }
    /// When the oldest packet held came in, in milliseconds of the monotonic clock; nil where none is held.
    var oldestTime: Int64? { get }
    /// The smallest number from `number` on that is not settled.
    func firstHeld(from number: UInt64) -> UInt64?
    /// The packet, or nil where it is settled.
    func packet(_ number: UInt64) -> ArraySlice<UInt8>?
    /// Lets go of all that is covered. Doing it twice does no harm.
    mutating func settle(_ acknowledgement: Acknowledgement)
    /// Lets go of one packet that the gateway will never take.
    mutating func setAside(_ number: UInt64, code: RejectCode)
}

/// A queue in memory with a bound in octets; it ends with the process.
public struct MemoryPacketQueue: PacketQueue, Sendable {
    private struct Entry {
        let packet: ArraySlice<UInt8>
        let time: Int64
    }

    /// Octets of packets it may hold.
    public let sizeLimit: Int
    public private(set) var lowest: UInt64 = 1
    public private(set) var heldCount = 0
    public private(set) var heldSize = 0
    /// Packets the gateway refused for good.
    public private(set) var setAsideCount = 0
    /// Numbers of those that nobody has taken notice of yet; see `takeSetAside`.
    private var setAsideNumbers: [UInt64] = []
    /// `entries[head]` is number `lowest`; nil is settled.
    private var entries: [Entry?] = []
    private var head = 0

    /// An empty queue of at most `sizeLimit` octets.
    public init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

    public var next: UInt64 { lowest + UInt64(entries.count - head) }
    public var oldestTime: Int64? { head < entries.count ? entries[head]?.time : nil }

    /// Takes a packet and answers its number, or nil where there is no room now.
    public mutating func append(_ packet: [UInt8], now: Int64) -> UInt64? {
        guard packet.count <= sizeLimit - heldSize else { return nil }
        let number = next
        entries.append(Entry(packet: packet[...], time: now))
        heldCount += 1
        heldSize += packet.count
        return number
    }

    public func firstHeld(from number: UInt64) -> UInt64? {
        var index = index(max(number, lowest))
        while index < entries.count {
            if entries[index] != nil { return lowest + UInt64(index - head) }
            index += 1
        }
        return nil
    }

    public func packet(_ number: UInt64) -> ArraySlice<UInt8>? {
        guard number >= lowest, number < next else { return nil }
        return entries[index(number)]?.packet
    }

    public mutating func settle(_ acknowledgement: Acknowledgement) {
        let end = min(acknowledgement.cumulative, next - 1)
        if end >= lowest { for index in head...index(end) { release(index) } }
        for range in acknowledgement.ranges {
            let held = range.clamped(to: lowest..<next)
            for number in held { release(index(number)) }
        }
        advance()
    }

    public mutating func setAside(_ number: UInt64, code: RejectCode) {
        guard packet(number) != nil else { return }
        release(index(number))
        setAsideCount += 1
        setAsideNumbers.append(number)
        advance()
    }

    /// The numbers of packets set aside since the last time, in the order of their refusals.
    public mutating func takeSetAside() -> [UInt64] {
        defer { setAsideNumbers = [] }
        return setAsideNumbers
    }

    private func index(_ number: UInt64) -> Int { head + Int(number - lowest) }

    private mutating func release(_ index: Int) {
        guard let entry = entries[index] else { return }
        heldCount -= 1
        heldSize -= entry.packet.count
        entries[index] = nil
    }

    private mutating func advance() {
        while head < entries.count, entries[head] == nil {
            head += 1
            lowest += 1
        }
        // the settled ones in front go in one move once they are half of the array: constant cost on average
        if head * 2 > entries.count {
            entries.removeSubrange(..<head)
            head = 0
        }
    }
}

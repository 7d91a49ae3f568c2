internal import PerigeeCore

/// Count and octets of rows of one kind.
struct Total: Equatable {
    var count = 0
    var size = 0
}

/// One epoch as memory holds it: a few numbers, nothing that grows with the packets.
struct EpochRow: Equatable {
    enum Kind: Int64 {
        case current = 0
        case closed, lost
        /// Its packets are on their way into the epoch after it; not shown.
        case moving
        /// Nothing of it is wanted any more; its rows are being removed.
        case finished
    }

    let id: Int64
    let epoch: Epoch
    var kind: Kind
    var next: UInt64 = 1
    var nextFrame: UInt64 = 0
    /// Where a moving epoch's packets go; else 0.
    var target: Int64 = 0
    var totals: [Int: Total] = [:]

    /// Octets of unsettled packets with what their rows need.
    var charge: Int {
        var charge = 96 * (totals[Slot.frames]?.count ?? 0)
        for slot in Slot.waiting {
            if let total = totals[slot] { charge += total.size + 64 * total.count }
        }
        return charge
    }

    var held: Total {
        Slot.waiting.reduce(into: Total()) { sum, slot in
            sum.count += totals[slot]?.count ?? 0
            sum.size += totals[slot]?.size ?? 0
        }
    }

    /// Over all that the row holds: a flipped bit must not give packets another epoch or a counter that goes back.
    var checksum: UInt32 {
        var writer = ByteWriter()
        writer.write(epoch.bytes)
        for value in [UInt64(id), UInt64(kind.rawValue), next, nextFrame, UInt64(target)] { writer.writeVarint(value) }
        return CRC32C.checksum(writer.bytes)
    }

    mutating func change(_ slot: Int, count: Int, size: Int) {
        totals[slot, default: Total()].count += count
        totals[slot, default: Total()].size += size
    }
}

/// What a transaction changes in memory; the copy of before is put back where it fails.
struct SpoolMemory: Equatable {
    /// Oldest first.
    var epochs: [EpochRow] = []
    var ledger = Ledger()
    /// Seconds of work, in milliseconds: grows by steps of a few seconds at most, so that no clock step ages anything.
    var clock: Int64 = 0
    /// Octets in quarantine.
    var quarantine = 0
    /// Keys up to which a file set aside was read.
    var salvagedFrames: Int64 = 0
    var salvagedPackets: Int64 = 0

    func index(_ epoch: Epoch) -> Int? { epochs.firstIndex { $0.epoch == epoch && $0.kind != .finished } }

    /// The one that packets are appended to: always there once the spool is open.
    var current: Int { epochs.lastIndex { $0.kind == .current } ?? 0 }

    var charge: Int { epochs.reduce(0) { $0 + $1.charge } }

    func total(_ slot: Int) -> Int { epochs.reduce(0) { $0 + ($1.totals[slot]?.size ?? 0) } }
}

extension SpoolMemory {
    /// The rows of `ledger`.
    var rows: [String: Int64] {
        var rows: [String: Int64] = [
            "received": Int64(ledger.intake.received), "lost_at_crash": Int64(ledger.intake.lostAtCrash),
            "in_work": Int64(ledger.intake.inWork), "spooled": Int64(ledger.spooled),
            "delivered": Int64(ledger.delivered), "thinned": Int64(ledger.thinned),
            "quarantined": Int64(ledger.quarantined), "waiting": Int64(ledger.waiting), "clock": clock,
            "quarantine_size": Int64(quarantine),
            "complete": ledger.intake.isComplete ? 1 : 0, "salvaged_frames": salvagedFrames,
            "salvaged_packets": salvagedPackets,
        ]
        for (reason, count) in ledger.intake.rejected { rows["rejected/\(reason)"] = Int64(count) }
        for (name, sum) in ledger.intake.figures { rows["figure/\(name)"] = Int64(sum) }
        for (reason, count) in ledger.dropped { rows["dropped/\(reason.rawValue)"] = Int64(count) }
        return rows
    }

    /// Takes a row of `ledger`; what has another name is left out.
    mutating func take(_ name: String, _ value: Int64) {
        let count = Int(clamping: value)
        switch name {
        case "received": ledger.intake.received = count
        case "lost_at_crash": ledger.intake.lostAtCrash = count
        case "in_work": ledger.intake.inWork = count
        case "complete": ledger.intake.isComplete = count == 1
        case "spooled": ledger.spooled = count
        case "delivered": ledger.delivered = count
        case "thinned": ledger.thinned = count
        case "quarantined": ledger.quarantined = count
        case "waiting": ledger.waiting = count
        case "clock": clock = value
        case "quarantine_size": quarantine = count
        case "salvaged_frames": salvagedFrames = value
        case "salvaged_packets": salvagedPackets = value
        default:
            if name.hasPrefix("rejected/") {
                ledger.intake.rejected[String(name.dropFirst(9))] = count
            } else if name.hasPrefix("figure/") {
                ledger.intake.figures[String(name.dropFirst(7))] = count
            } else if name.hasPrefix("dropped/"), let reason = UInt8(name.dropFirst(8)).flatMap(TombstoneReason.init) {
                ledger.dropped[reason] = count
            }
        }
    }
}

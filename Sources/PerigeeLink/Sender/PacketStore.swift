public import PerigeeCore

/// What the station holds of one epoch as of its last commit: the oldest epoch that is not finished.
public struct StoreState: Equatable, Sendable {
    public var epoch: Epoch
    /// The smallest number that is not settled, tombstones included, or `next` where there is none.
    public var lowest: UInt64
    /// The number that the next packet will get.
    public var next: UInt64
    /// Packets that are not settled, their octets, and their octets by priority (`LinkLimit.priority` + 1 counts).
    public var heldCount = 0
    public var heldSize = 0
    public var heldByPriority = [Int](repeating: 0, count: Int(LinkLimit.priority) + 1)
    /// When the oldest of them was stored.
    public var oldest: Timestamp?
    /// The lowest tombstones that are not settled, at most `LinkLimit.tombstones`, ascending.
    public var tombstones: [Tombstone] = []
    /// No packet will be added to it: once nothing is unsettled it is finished.
    public var isClosed = false
    /// Its file is gone: what the gateway has not got of it is lost. `lowest` and `next` mean nothing.
    public var isLost = false

    /// An epoch that holds nothing.
    public init(epoch: Epoch, lowest: UInt64 = 1, next: UInt64 = 1) {
        self.epoch = epoch
        self.lowest = lowest
        self.next = next
    }
}

extension StoreState {
    /// What the gateway may be told as lowest: of a lost epoch nothing is known to be settled.
    var unsettledLowest: UInt64 { isLost ? 1 : lowest }
}

/// A packet as the store gives it back.
public struct StoredPacket: Equatable, Sendable {
    public var number: UInt64
    public var priority: Int
    public var packet: ArraySlice<UInt8>

    /// See the properties.
    public init(number: UInt64, priority: Int, packet: ArraySlice<UInt8>) {
        self.number = number
        self.priority = priority
        self.packet = packet
    }
}

/// What a `SenderMachine` asks of the store, in order. Answers come as events of the machine.
public enum StoreRequest: Equatable, Sendable {
    /// Give the packets of `priority` in `numbers` that are not settled, ascending, at least one and as many as fit `size`
    /// octets. Answer: `.loaded` with the numbers that were looked through.
    case load(epoch: Epoch, priority: Int, numbers: Range<UInt64>, size: Int)
    /// Compare the checksum (`PacketDigest(number:packet:)`) of a packet that is still held. Answer: `.verified`; what is not held fits.
    case verify(epoch: Epoch, PacketDigest)
    /// Let go of all that is covered, tombstones too. Twice does no harm. Answer: `.store` after the commit.
    case settle(epoch: Epoch, Acknowledgement)
    /// The gateway will never take this packet. Answer: `.store` after the commit.
    case setAside(epoch: Epoch, number: UInt64, code: RejectCode, field: String)
    /// Numbers of a lost epoch that are nowhere; those that have a tombstone already need none. Answer: `.store` with the tombstone.
    case bury(epoch: Epoch, Tombstone)
    /// The epoch is closed, or lost, and all of it is settled: forget it. Answer: `.store` of the next epoch.
    case finish(epoch: Epoch)
    /// The gateway has another history of this epoch: begin a new one, move what is not settled into it. Answer: `.store` of it.
    case fork(epoch: Epoch)
    /// Answer: `.answer` with the request's session, once what it promises is committed. Only wanted numbers come again under their own
    /// (`replay`); layers and plain frames are packets with new ones. `epoch` is that of the session; that
    /// of a reference or a plain frame may be another.
    case want(epoch: Epoch, LinkMessage.Want)
    /// Give packets that are settled and still kept, which a WANT asked for: ascending, as many as fit `size`, at least one where there
    /// is one. Answer: `.replayed` with the numbers that were looked through.
    case replay(epoch: Epoch, numbers: Range<UInt64>, size: Int)
    /// The gateway offers firmware. Answers, some time: `.fetch` and `.report`.
    case offer(LinkMessage.Offer)
    /// Octets that were fetched.
    case piece(LinkMessage.Piece)
}

/// Keeps packets until they are settled. It answers with events that it gives to the machine's owner.
public protocol PacketStore: Sendable {
    /// Takes a request; never waits, and answers later in the order of the requests.
    func request(_ request: StoreRequest)
}

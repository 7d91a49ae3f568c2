internal import PerigeeCore

/// First octet of each message. 9 TOMBSTONE and 10 WANT are reserved.
enum LinkMessageType: UInt8 {
    case hello = 1
    case welcome, data, ack, reject, ping, pong, bye
}

extension LinkMessage {
    /// The octets of this message, one ZeroMQ frame.
    public func packed() -> [UInt8] {
        var writer = ByteWriter()
        func begin(_ type: LinkMessageType) {
            writer.write(type.rawValue)
            writer.write(LinkLimit.version)
        }
        switch self {
        case .hello(let hello):
            begin(.hello)
            hello.pack(into: &writer)
        case .welcome(let welcome):
            begin(.welcome)
            writer.write(LinkLimit.version)
            writer.write(welcome.greeting)
            writer.write(welcome.session)
            writer.writeVarint(welcome.acknowledgement.cumulative)
            welcome.credit.pack(into: &writer)
            writer.writeVarint(welcome.batchSize)
            writer.writeSignedVarint(welcome.time.milliseconds)
            welcome.acknowledgement.pack(into: &writer)
        case .data(let batch):
            begin(.data)
            batch.pack(into: &writer)
        case .ack(let ack):
            begin(.ack)
            writer.write(ack.session)
            writer.writeVarint(ack.acknowledgement.cumulative)
            ack.credit.pack(into: &writer)
            ack.acknowledgement.pack(into: &writer)
        case .reject(let reject):
            begin(.reject)
            writer.write(reject.session)
            writer.writeVarint(reject.number)
            writer.write(reject.code.rawValue)
            writer.writeText(reject.field)
        case .ping(let ping):
            begin(.ping)
            ping.pack(into: &writer)
        case .pong(let pong):
            begin(.pong)
            writer.write(pong.session)
            writer.write(pong.nonce)
            writer.writeSignedVarint(pong.time.milliseconds)
        case .bye(let bye):
            begin(.bye)
            writer.write(bye.session)
            writer.write(bye.reason.rawValue)
        }
        return writer.bytes
    }
}

extension Credit {
    fileprivate func pack(into writer: inout ByteWriter) {
        writer.writeVarint(packets)
        writer.writeVarint(size)
    }
}

extension LinkMessage.Hello {
    fileprivate func pack(into writer: inout ByteWriter) {
        writer.write(firstVersion)
        writer.write(lastVersion)
        writer.writeText(station.text)
        writer.write(epoch.bytes)
        writer.write(boot)
        writer.write(greeting)
        writer.writeVarint(lowest)
        writer.writeVarint(highest)
        writer.write(clockQuality.rawValue)
        writer.writeSignedVarint(time.milliseconds)
        writer.writeVarint(firmware.count)
        for identity in firmware { writer.write(identity) }
        writer.writeVarint(0)  // features
    }
}

extension LinkMessage.DataBatch {
    fileprivate func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.writeVarint(lowest)
        var next = lowest
        for item in items {
            writer.writeVarint(item.number - next)
            writer.write(item.isResent ? UInt8(1) : 0)
            writer.writeVarint(item.packet.count)
            writer.write(item.packet)
            next = item.number + 1
        }
    }
}

extension LinkMessage.Ping {
    fileprivate func pack(into writer: inout ByteWriter) {
        writer.write(session)
        writer.write(nonce)
        writer.writeSignedVarint(time.milliseconds)
        writer.writeVarint(queuedPackets)
        writer.writeVarint(queuedSize)
        writer.writeVarint(oldestAgeMilliseconds)
        writer.writeVarint(lowest)
        writer.writeVarint(highest)
    }
}

internal import PerigeeCore

/// First octet of each message.
enum LinkMessageType: UInt8 {
    case hello = 1
    case welcome, data, ack, reject, ping, pong, bye
    case tombstone, want, answer, offer, fetch, piece, bundle
}

extension LinkMessage {
    /// The octets of this message, one ZeroMQ frame.
    public func packed() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(type.rawValue)
        writer.write(LinkLimit.version)
        switch self {
        case .hello(let hello): hello.pack(into: &writer)
        case .welcome(let welcome): welcome.pack(into: &writer)
        case .data(let batch): batch.pack(into: &writer)
        case .ack(let ack):
            writer.write(ack.session)
            writer.writeVarint(ack.acknowledgement.cumulative)
            ack.credit.pack(into: &writer)
            ack.acknowledgement.pack(into: &writer)
        case .reject(let reject):
            writer.write(reject.session)
            writer.writeVarint(reject.number)
            writer.write(reject.code.rawValue)
            writer.writeText(reject.field)
        case .ping(let ping): ping.pack(into: &writer)
        case .pong(let pong):
            writer.write(pong.session)
            writer.write(pong.nonce)
            writer.writeSignedVarint(pong.time.milliseconds)
        case .bye(let bye):
            writer.write(bye.session)
            writer.write(bye.reason.rawValue)
        case .tombstone(let batch): batch.pack(into: &writer)
        case .want(let want): want.pack(into: &writer)
        case .answer(let answer): answer.pack(into: &writer)
        case .offer(let offer): offer.pack(into: &writer)
        case .fetch(let fetch): fetch.pack(into: &writer)
        case .piece(let piece): piece.pack(into: &writer)
        case .bundle(let report): report.pack(into: &writer)
        }
        return writer.bytes
    }

    private var type: LinkMessageType {
        switch self {
        case .hello: .hello
        case .welcome: .welcome
        case .data: .data
        case .ack: .ack
        case .reject: .reject
        case .ping: .ping
        case .pong: .pong
        case .bye: .bye
        case .tombstone: .tombstone
        case .want: .want
        case .answer: .answer
        case .offer: .offer
        case .fetch: .fetch
        case .piece: .piece
        case .bundle: .bundle
        }
    }
}

extension LinkMessage.Welcome {
    fileprivate func pack(into writer: inout ByteWriter) {
        writer.write(LinkLimit.version)
        writer.write(greeting)
        writer.write(session)
        writer.writeVarint(acknowledgement.cumulative)
        credit.pack(into: &writer)
        writer.writeVarint(batchSize)
        writer.writeSignedVarint(time.milliseconds)
        acknowledgement.pack(into: &writer)
        writer.writeVarint(check?.number ?? 0)
        if let check { writer.write(check.checksum) }
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
        writer.writeVarint(account.frames)
        writer.writeVarint(account.rawSize)
        writer.writeVarint(account.packetSize)
        writer.writeVarint(account.linkSize)
        writer.writeVarint(account.medianMilliseconds)
        writer.writeVarint(account.slowMilliseconds)
    }
}

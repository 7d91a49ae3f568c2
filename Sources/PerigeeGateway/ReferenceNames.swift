package import PerigeeArchive
package import PerigeeCore
internal import PerigeeMemory

/// One epoch of a station: frame numbers mean something within it only.
package struct EpochKey: Hashable, Sendable {
    package let station: String
    package let epoch: Epoch

    package init(station: String, epoch: Epoch) {
        self.station = station
        self.epoch = epoch
    }
}

/// A frame by its number.
package struct FrameName: Hashable, Sendable {
    package let key: EpochKey
    package let number: UInt64

    package init(key: EpochKey, number: UInt64) {
        self.key = key
        self.number = number
    }

    init(_ row: WaitingFrame) {
        self.init(key: EpochKey(station: row.station, epoch: row.epoch), number: row.number)
    }
}

/// What may be asked for a frame that waits.
package struct ReferenceQuestion: Hashable, Sendable {
    package let key: EpochKey
    package let subject: ArchiveWant.Subject

    init(key: EpochKey, subject: ArchiveWant.Subject) {
        self.key = key
        self.subject = subject
    }

    init(_ want: ArchiveWant) {
        self.init(key: EpochKey(station: want.station, epoch: want.epoch), subject: want.subject)
    }
}

extension ArchiveWant {
    /// Whether it is for frames that cannot be decoded.
    var isForReference: Bool { WaitingFrames.Want(subject) != nil }

    /// Orders wants of the same: what is under way last, and before it what ended last.
    var freshness: (Int, Int64, UInt32) { (state.isFinal ? 0 : 1, changed.milliseconds, id) }
}

extension WaitingFrames.Want {
    /// nil of what no frame waits for.
    init?(_ subject: ArchiveWant.Subject) {
        switch subject {
        case .reference(let number, let layers): self = .layers(MemoryReference(frame: number, layers: layers))
        case .plain(let number): self = .plain(number)
        case .numbers, .frame: return nil
        }
    }
}

extension ArchiveWant.Subject {
    init(_ want: WaitingFrames.Want) {
        switch want {
        case .layers(let reference): self = .reference(number: reference.frame, layers: reference.layers)
        case .plain(let number): self = .plain(number: number)
        }
    }
}

extension FramePrediction {
    /// What it was predicted from, by numbers; nil where it names what cannot be told by a number.
    var namedFrames: [MemoryReference]? {
        var frames: [MemoryReference] = []
        for reference in references?.frames ?? [] {
            guard reference.back > 0, reference.back <= number else { return nil }
            frames.append(MemoryReference(frame: number - reference.back, layers: reference.layers))
        }
        return frames
    }
}

extension WaitingFrames.Frame {
    init(_ row: WaitingFrame) {
        self.init(reason: row.reason == .referenceDiffers ? .referenceDiffers : .waitingForReference)
        hasAskedLayers = row.hasAskedReference
        hasAskedPlain = row.hasAskedPlain
        open = Set(row.open.compactMap(WaitingFrames.Want.init))
    }
}

extension WaitingFrame {
    init(_ name: FrameName, _ frame: WaitingFrames.Frame) {
        self.init(
            station: name.key.station, epoch: name.key.epoch, number: name.number,
            reason: frame.reason == .referenceDiffers ? .referenceDiffers : .waitingForReference)
        hasAskedReference = frame.hasAskedLayers
        hasAskedPlain = frame.hasAskedPlain
        open = frame.open.map(ArchiveWant.Subject.init)
    }
}

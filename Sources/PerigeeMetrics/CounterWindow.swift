/// How much a counter grew lately. A pure value.
public struct CounterWindow: Sendable {
    private static let step: Int64 = 10_000
    /// Milliseconds that it looks back.
    private let span: Int64
    private var samples: [(time: Int64, value: Int)] = []

    /// Looks back so far. `zero`: when the counter was 0 for certain; nil where it is not known what it was before the first call.
    public init(seconds: Int64, zero: Int64? = nil) {
        span = seconds * 1_000
        if let zero { samples = [(zero, 0)] }
    }

    /// Growth over the span, or over the time since the first call. Call it about each second.
    public mutating func growth(_ value: Int, now: Int64) -> Int {
        // the newest one that is older than the span is where it begins
        while samples.count > 1, samples[1].time <= now - span { samples.removeFirst() }
        if samples.last.map({ now - $0.time >= Self.step }) ?? true { samples.append((now, value)) }
        return max(value - (samples.first?.value ?? value), 0)
    }

    /// How many seconds it really looks back now.
    public func seconds(_ now: Int64) -> Double { Double(now - (samples.first?.time ?? now)) / 1_000 }
}

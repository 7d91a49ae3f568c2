/// Which of several gateways is tried next, and how long to wait before: full jitter below a bound that doubles with each round of
/// failures; a gateway that refused us waits 30 s to 15 min on its own.
struct GatewayChoice: Sendable {
    private(set) var index = 0
    /// Failures in a row, which lengthen the backoff.
    private var failures = 0
    private var refusals: [Int]
    private var refusedUntil: [Int64]
    /// When another than the first was chosen.
    private var leftFirst: Int64?

    init(count: Int) {
        refusals = Array(repeating: 0, count: max(count, 1))
        refusedUntil = Array(repeating: .min, count: max(count, 1))
    }

    /// A session that lasted makes the next backoff short again.
    mutating func succeed() {
        failures = 0
        refusals[index] = 0
    }

    /// Whether the first was left for so long that it should be tried again.
    func wantsFirst(_ now: Int64, _ configuration: SenderConfiguration) -> Bool {
        guard let leftFirst else { return false }
        return now - leftFirst >= configuration.returnMilliseconds && refusedUntil[0] <= now
    }

    mutating func chooseFirst() {
        index = 0
        leftFirst = nil
    }

    /// A connection broke. Answers when to open the next; the same gateway where its session was a good one.
    mutating func lose(
        wasGood: Bool, _ now: Int64, _ configuration: SenderConfiguration,
        _ generator: inout some RandomNumberGenerator
    ) -> Int64 {
        if wasGood {
            if wantsFirst(now, configuration) { chooseFirst() }
            return now + jitter(configuration, &generator)
        }
        return fail(now, configuration, &generator)
    }

    /// An attempt was in vain. Answers when to open the next.
    mutating func fail(
        _ now: Int64, _ configuration: SenderConfiguration, _ generator: inout some RandomNumberGenerator
    ) -> Int64 {
        let wait = jitter(configuration, &generator)
        failures += 1
        return max(now + wait, advance(now))
    }

    /// The gateway would not let us in. Answers when to open the next.
    mutating func refuse(
        _ now: Int64, _ configuration: SenderConfiguration, _ generator: inout some RandomNumberGenerator
    ) -> Int64 {
        let bound = min(
            configuration.refusedBackoffMilliseconds << Int64(min(refusals[index], 20)),
            configuration.refusedBackoffLimitMilliseconds)
        // at least half of it, so that a key that is wrong does not knock at each second
        refusedUntil[index] = now + Int64.random(in: bound / 2...bound, using: &generator)
        refusals[index] += 1
        let until = advance(now)
        return until > now ? until : now + jitter(configuration, &generator)
    }

    private func jitter(_ configuration: SenderConfiguration, _ generator: inout some RandomNumberGenerator) -> Int64 {
        let rounds = Int64(min(failures / refusals.count, 20))
        let bound = min(configuration.backoffMilliseconds << rounds, configuration.backoffLimitMilliseconds)
        return Int64.random(in: 1...max(bound, 1), using: &generator)
    }

    /// The next that has not refused us, or the one that may be asked again first; answers from when on.
    private mutating func advance(_ now: Int64) -> Int64 {
        let order = (1...refusals.count).map { (index + $0) % refusals.count }
        let next = order.first { refusedUntil[$0] <= now } ?? order.min { refusedUntil[$0] < refusedUntil[$1] } ?? 0
        index = next
        leftFirst = next == 0 ? nil : leftFirst ?? now
        return refusedUntil[next]
    }
}

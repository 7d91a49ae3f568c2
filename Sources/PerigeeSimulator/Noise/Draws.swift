/// Random numbers that are a pure function of a key: the same key, the same number, in any order, on every machine.
struct Draws: Sendable {
    private let key: UInt64

    init(seed: UInt64, _ parts: UInt64...) {
        var key = Self.mix(seed)
        for part in parts { key = Self.mix(key ^ part &* 0x9E37_79B9_7F4A_7C15) }
        self.key = key
    }

    /// 64 random bits; `index` tells draws of one key apart.
    func bits(_ index: UInt64) -> UInt64 { Self.mix(key &+ index &* 0x9E37_79B9_7F4A_7C15) }

    /// A number in 0..<1.
    func unit(_ index: UInt64) -> Float { Float(bits(index) >> 40) * 0x1p-24 }

    /// A number between the bounds.
    func value(_ index: UInt64, in range: ClosedRange<Float>) -> Float {
        range.lowerBound + unit(index) * (range.upperBound - range.lowerBound)
    }

    /// Mean 0, deviation 1: the sum of four uniform numbers, close to normal within three deviations.
    func normal(_ index: UInt64) -> Float { Self.normal(bits(index)) }

    static func normal(_ bits: UInt64) -> Float {
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
        return (Float(sum) * 0x1p-16 - 2) * 1.732_051
    }

    /// SplitMix64's output function (Steele et al. 2014).
    static func mix(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

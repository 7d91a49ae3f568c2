extension StationConfiguration {
    /// What the station remembers of places, so that frames are predicted from earlier ones: Docs/memory.md.
    public struct Memory: Equatable, Sendable {
        /// Octets of the file; 0: frames are coded each by itself.
        public var size: Int
        /// Days after which a key frame makes room for a coarser newer one.
        public var keyDays: Int
        /// What the first clear frame of a place and season gets where that is finer than its own target.
        public var keyTarget: Target
    }

    static let memoryKeys: [Key] = [
        Key(
            "memory.bytes", .size(0...1 << 40), .integer(1 << 30),
            "what may be remembered of places, in memory.db of the spool's folder, so that only news is sent; 0: nothing",
            .atReload
        ),
        Key(
            "memory.key_days", .integer(1...3_650), .integer(60),
            "days after which a coarser new frame of a place may take the place of a finer old one", .atReload),
        Key(
            "memory.key_target", .ratio, .number(10_000),
            "what the first clear frame of a place and season gets, at least, for later ones to be predicted from",
            .atReload),
    ]
}

extension StationConfiguration.Memory {
    init(_ values: KeyValues) {
        size = values.integer("memory.bytes")
        keyDays = values.integer("memory.key_days")
        keyTarget = StationConfiguration.Target(values.number("memory.key_target"))
    }
}

extension StationConfiguration {
    /// What the station remembers of places, so that frames are predicted from earlier ones: Docs/memory.md.
    public struct Memory: Equatable, Sendable {
        /// Octets of the file; 0: frames are coded each by itself.
        public var size: Int
        public var file: String
        /// Days after which a key frame makes room for a coarser newer one.
        public var keyDays: Int
    }

    static let memoryKeys: [Key] = [
        Key(
            "memory.bytes", .size(0...1 << 40), .integer(1 << 30),
            "what may be remembered of places, so that only news is sent; 0: frames are coded each by itself", .atReload
        ),
        Key("memory.file", .text(), .text("/var/lib/perigee/memory.db"), "where it is kept; losing it costs octets only"),
        Key(
            "memory.key_days", .integer(1...3_650), .integer(60),
            "days after which a coarser new frame of a place may take the place of a finer old one", .atReload),
    ]
}

extension StationConfiguration.Memory {
    init(_ values: KeyValues, file: String) {
        size = values.integer("memory.bytes")
        self.file = values.path("memory.file", besides: file)
        keyDays = values.integer("memory.key_days")
    }
}

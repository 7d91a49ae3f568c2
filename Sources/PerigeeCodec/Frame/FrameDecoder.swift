public import PerigeeCore

/// Layers of octets to samples, by the strict path: the same octets, the same samples, on every machine.
public struct FrameDecoder: Sendable {
    public let stream: StreamDescription
    /// Octets of samples that are made room for where the caller says nothing else.
    public static let sampleLimit = 256 << 20
    private let sampleLimit: Int
    /// Octets that coefficients, samples and one workspace may take together, and all workspaces too.
    private let memoryLimit: Int
    /// Octets that a lane takes for each sample of the largest tile.
    private static let workspaceOctets = 9
    let transform: FrameTransform?
    let tokens: TokenDecoder?

    /// `lanes`: threads that decode tiles beside each other, the caller's included. `sampleLimit`: octets of the samples of
    /// what is decoded at once, a frame or a window, and of a tile; more is refused before anything is allocated for it,
    /// since a declaration of 60 octets can claim 2^50 samples. Decoding takes 4 octets a sample, and a lane about 9 a
    /// sample of the largest tile, beside the samples themselves. Where one lane would take more than 8 times `sampleLimit`
    /// of all that, as many bands of 8 bits in one tile could, the frame is refused; where all lanes would, they are fewer.
    public init(
        model: CodecModel, stream: StreamDescription, lanes: Int, sampleLimit: Int = FrameDecoder.sampleLimit
    ) throws(CodecError) {
        self.stream = stream
        self.sampleLimit = sampleLimit
        memoryLimit = 8 * min(sampleLimit, 1 << 50)
        guard stream.declaration.coding == .tokens else {
            (transform, tokens) = (nil, nil)
            return
        }
        let transform = try FrameTransform(stream, model: model.spectral)
        self.transform = transform
        let workspace = Self.workspaceSize(TileGrid(rows: stream.rows, columns: stream.columns), stream.bands.count)
        tokens = TokenDecoder(
            rows: stream.rows, columns: stream.columns, levels: transform.levels, components: stream.bands.count,
            tables: model.tables, lanes: min(lanes, max(memoryLimit / workspace, 1)))
    }

    /// The frame as far as the octets at hand describe it. `layers` are those of the encoder from the first on, whole but for
    /// the last of them, which may be cut anywhere; no octets at all give the mean frame. Samples whose validity the octets
    /// leave open count as valid. A verbatim frame must be whole. Throws where octets are no frame of this stream.
    public func decode(layers: [ArraySlice<UInt8>]) throws(CodecError) -> Samples {
        try checkSize(rows: stream.rows, columns: stream.columns)
        guard let transform, let tokens else { return try VerbatimCoding.decode(layers, stream: stream) }
        try checkMemory(tokens, samples: stream.rows * stream.columns)
        let (head, tiles) = try parse(layers, tokens)
        try transform.check(head.choice)
        let (planes, validity) = tokens.decode(
            tiles.streams, hasMask: head.hasMask, scale: FrameHead.factors[head.scale])
        return try transform.inverse(planes, choice: head.choice, validity: validity)
    }

    /// Samples of a window, bit for bit those of the whole frame there. Decodes only the tiles of `tiles(for:)`, in memory
    /// of the window and its margins; a verbatim frame is unpacked whole. Refuses a window that the frame does not have.
    public func decode(layers: [ArraySlice<UInt8>], window: FrameWindow) throws(CodecError) -> Samples {
        try window.check(rows: stream.rows, columns: stream.columns)
        guard let transform, let tokens else {
            try checkSize(rows: stream.rows, columns: stream.columns)
            return try VerbatimCoding.decode(layers, stream: stream).window(window)
        }
        try checkSize(rows: window.height, columns: window.width)
        try checkTileSize(tokens)
        try checkMemory(tokens, samples: window.height * window.width)
        let geometry = try transform.geometry(of: window)
        let chosen = geometry.tiles(tokens.grid)
        let (head, tiles) = try parse(layers, tokens, chosen: chosen)
        try transform.check(head.choice)
        let (planes, validity) = tokens.decode(
            tiles.streams, chosen, geometry, hasMask: head.hasMask, scale: FrameHead.factors[head.scale])
        return try transform.inverse(planes, choice: head.choice, validity: validity)
    }

    /// Numbers, rising, of the tiles that a window needs: those that hold its samples, and those that own coefficients
    /// which its samples depend on. Near the coarsest levels that is up to a ring of three tiles around it.
    public func tiles(for window: FrameWindow) throws(CodecError) -> [Int] {
        try window.check(rows: stream.rows, columns: stream.columns)
        guard let transform, let tokens else { return [0] }
        return try transform.geometry(of: window).tiles(tokens.grid)
    }

    /// Tiles of a frame; one where it is verbatim.
    public var tileCount: Int { tokens?.grid.count ?? 1 }

    /// Where the octets of these layers went, whole or cut.
    public func account(layers: [ArraySlice<UInt8>]) throws(CodecError) -> OctetAccount {
        var account = OctetAccount()
        guard let tokens else {
            account.verbatim = Double(layers.reduce(0) { $0 + $1.count })
            return account
        }
        try checkTileSize(tokens)
        let (head, tiles) = try parse(layers, tokens)
        let bits = tokens.account(tiles.streams, hasMask: head.hasMask)
        account.head = layers.allSatisfy(\.isEmpty) ? 0 : Double(head.pack().count)
        account.records = Double(tiles.recordSize)
        account.tables = Double(tiles.tableSize)
        account.mask = bits[DecisionKind.mask.rawValue] / 8
        account.flags = bits[DecisionKind.flag.rawValue] / 8
        account.significance = bits[DecisionKind.significance.rawValue] / 8
        account.signs = bits[DecisionKind.sign.rawValue] / 8
        account.refinement = bits[DecisionKind.refinement.rawValue] / 8
        return account
    }

    func checkSize(rows: Int, columns: Int) throws(CodecError) {
        do throws(FormatError) {
            _ = try Samples.size(
                type: stream.sampleType, bands: stream.bands.count, rows: rows, columns: columns, limit: sampleLimit)
        } catch { throw .format(error) }
    }

    private func checkTileSize(_ tokens: TokenDecoder) throws(CodecError) {
        let largest = tokens.grid.largestTile
        try checkSize(rows: largest.rows, columns: largest.columns)
    }

    /// Refuses what would take too much memory; `samples` of one band. Sizes were checked: no product overflows.
    func checkMemory(_ tokens: TokenDecoder, samples: Int) throws(CodecError) {
        let bands = stream.bands.count
        let octets =
            bands * samples * (stream.sampleType.size + MemoryLayout<Float>.size)
            + Self.workspaceSize(tokens.grid, bands)
        guard octets <= memoryLimit else {
            throw .outOfRange(field: "memory for decoding, octets", value: octets, limit: memoryLimit)
        }
    }

    /// Octets of a lane's workspace.
    private static func workspaceSize(_ grid: TileGrid, _ bands: Int) -> Int {
        let largest = grid.largestTile
        return bands * largest.rows * largest.columns * workspaceOctets
    }

    /// The head, with what the records say of the tiles in its choice, and the tiles' streams.
    func parse(
        _ layers: [ArraySlice<UInt8>], _ tokens: TokenDecoder, chosen: [Int]? = nil
    ) throws(CodecError) -> (head: FrameHead, tiles: TokenDecoder.TileOctets) {
        var rest = layers[...].drop(while: \.isEmpty)
        guard let first = rest.first, let parsed = try FrameHead.parse(first, bands: stream.bands.count) else {
            return (FrameHead(choice: .identity, hasMask: false), try tokens.tileOctets([]))
        }
        var head = parsed.head
        rest[rest.startIndex] = first.dropFirst(parsed.size)
        let tiles = try tokens.tileOctets(
            Array(rest), chosen: chosen, mode: head.hasRecords ? head.choice.mode : nil)
        if head.hasRecords {
            let unknown = TileSpectrum(
                mode: head.choice.mode, openLevels: [Bool](repeating: true, count: tokens.levels))
            head.choice.tiles = tiles.spectra.map { $0 ?? unknown }
        }
        return (head, tiles)
    }
}

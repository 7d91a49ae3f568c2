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
    /// And where the frame has a residual layer.
    private static let residualOctets = 9
    let transform: FrameTransform?
    let tokens: TokenDecoder?
    private let residuals: ResidualDecoder?

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
            (transform, tokens, residuals) = (nil, nil, nil)
            return
        }
        let transform = try FrameTransform(stream, model: model.spectral)
        self.transform = transform
        let workspace = Self.workspaceSize(
            TileGrid(rows: stream.rows, columns: stream.columns), stream.bands.count, hasResidual: true)
        let tokens = TokenDecoder(
            rows: stream.rows, columns: stream.columns, levels: transform.levels, components: stream.bands.count,
            tables: model.tables, history: model.history, lanes: min(lanes, max(memoryLimit / workspace, 1)))
        self.tokens = tokens
        residuals = ResidualDecoder(grid: tokens.grid, bands: stream.bands.count, lanes: tokens.lanes)
    }

    /// The frame as far as the octets at hand describe it. `layers` are those of the encoder from the first on, whole but for
    /// the last of them, which may be cut anywhere; no octets at all give the mean frame. Samples whose validity the octets
    /// leave open count as valid. Where there is a residual layer, the samples that its octets reach are exact or within the
    /// bound, the others those of the transform layers. A verbatim frame must be whole. Throws where octets are no frame of
    /// this stream, or a residual does not belong to the transform layers. `reference`: that of a predicted frame, nil of others.
    public func decode(
        layers: [ArraySlice<UInt8>], reference: FrameReference? = nil
    ) throws(CodecError) -> Samples {
        try checkSize(rows: stream.rows, columns: stream.columns)
        guard let transform, let tokens, let residuals else {
            return try VerbatimCoding.decode(layers, stream: stream)
        }
        try checkMemory(tokens, samples: stream.rows * stream.columns)
        let (head, tiles) = try parse(layers, tokens)
        try transform.check(head.choice)
        let residual = try residual(layers, head, tokens)
        try checkMemory(tokens, samples: stream.rows * stream.columns, hasResidual: residual != nil)
        let (planes, validity) = try coefficients(tiles, head, tokens, transform, reference)
        guard let residual else { return try transform.inverse(planes, choice: head.choice, validity: validity) }
        return try transform.refine(
            transform.synthesis(planes, choice: head.choice), residual, with: residuals,
            chosen: Array(0..<tokens.grid.count), origin: (0, 0), validity: validity)
    }

    /// The transform layers of the encoder's own frame, as a residual stands on them.
    func synthesis(
        layers: [ArraySlice<UInt8>], reference: FrameReference? = nil
    ) throws(CodecError) -> Samples {
        guard let transform, let tokens else { return try VerbatimCoding.decode(layers, stream: stream) }
        let (head, tiles) = try parse(layers, tokens)
        let (planes, _) = try coefficients(tiles, head, tokens, transform, reference)
        return try transform.synthesis(planes, choice: head.choice)
    }

    /// A frame's coefficients, prediction included.
    private func coefficients(
        _ tiles: TokenDecoder.TileOctets, _ head: FrameHead, _ tokens: TokenDecoder, _ transform: FrameTransform,
        _ reference: FrameReference?
    ) throws(CodecError) -> (planes: Planes, validity: Validity) {
        var (planes, validity, predictions) = tokens.decode(
            tiles.streams, hasMask: head.hasMask, hasReference: reference != nil,
            scale: FrameHead.factors[head.scale])
        if let reference {
            try transform.apply(
                1, predictions, of: reference, to: &planes, choice: head.choice, model: tokens.history)
        }
        return (planes, validity)
    }

    /// Samples of a window, bit for bit those of the whole frame there. Decodes only the tiles of `tiles(for:)`, in memory
    /// of the window and its margins, or, of a frame with a residual layer, of the tiles that hold the window; a verbatim
    /// frame is unpacked whole. Refuses a window that the frame does not have.
    public func decode(
        layers: [ArraySlice<UInt8>], window: FrameWindow, reference: FrameReference? = nil
    ) throws(CodecError) -> Samples {
        try window.check(rows: stream.rows, columns: stream.columns)
        guard let transform, let tokens, let residuals else {
            try checkSize(rows: stream.rows, columns: stream.columns)
            return try VerbatimCoding.decode(layers, stream: stream).window(window)
        }
        let (head, _) = try parse(layers, tokens, chosen: [])
        try transform.check(head.choice)
        let cover = tokens.grid.cover(window)
        let residual = try residual(layers, head, tokens, chosen: cover.tiles)
        let made = residual == nil ? window : cover.window
        try checkSize(rows: made.height, columns: made.width)
        try checkTileSize(tokens)
        try checkMemory(tokens, samples: made.height * made.width, hasResidual: residual != nil)
        let geometry = try transform.geometry(of: made)
        let chosen = geometry.tiles(tokens.grid)
        let (full, tiles) = try parse(layers, tokens, chosen: chosen)
        try transform.check(full.choice)
        var (planes, validity, predictions) = tokens.decode(
            tiles.streams, chosen, geometry, hasMask: head.hasMask, hasReference: reference != nil,
            scale: FrameHead.factors[head.scale])
        if let reference {
            try transform.apply(
                predictions, chosen, of: reference, to: &planes, choice: full.choice, model: tokens.history)
        }
        guard let residual else { return try transform.inverse(planes, choice: full.choice, validity: validity) }
        let samples = try transform.refine(
            transform.synthesis(planes, choice: full.choice), residual, with: residuals, chosen: cover.tiles,
            origin: (made.y, made.x), validity: validity)
        return try samples.window(
            FrameWindow(x: window.x - made.x, y: window.y - made.y, width: window.width, height: window.height))
    }

    /// Numbers, rising, of the tiles that a window needs: those that hold its samples, and those that own coefficients
    /// which its samples depend on. Near the coarsest levels that is up to a ring of three tiles around it. A frame with a
    /// residual layer needs those of `tiles(for:layers:)`.
    public func tiles(for window: FrameWindow) throws(CodecError) -> [Int] {
        try window.check(rows: stream.rows, columns: stream.columns)
        guard let transform, let tokens else { return [0] }
        return try transform.geometry(of: window).tiles(tokens.grid)
    }

    /// As above for these layers: where one of them is a residual layer, the window of all samples of the tiles that hold it.
    public func tiles(for window: FrameWindow, layers: [ArraySlice<UInt8>]) throws(CodecError) -> [Int] {
        try window.check(rows: stream.rows, columns: stream.columns)
        guard let tokens else { return [0] }
        let (head, _) = try parse(layers, tokens, chosen: [])
        guard try residual(layers, head, tokens, chosen: []) != nil else { return try tiles(for: window) }
        return try tiles(for: tokens.grid.cover(window).window)
    }

    /// Tiles of a frame; one where it is verbatim.
    public var tileCount: Int { tokens?.grid.count ?? 1 }

    /// Where the octets of these layers went, whole or cut. `isPredicted`: whether the frame has a reference.
    public func account(layers: [ArraySlice<UInt8>], isPredicted: Bool = false) throws(CodecError) -> OctetAccount {
        var account = OctetAccount()
        guard let tokens else {
            account.verbatim = Double(layers.reduce(0) { $0 + $1.count })
            return account
        }
        try checkTileSize(tokens)
        let (head, tiles) = try parse(layers, tokens)
        let bits = tokens.account(tiles.streams, hasMask: head.hasMask, hasReference: isPredicted)
        account.head = layers.allSatisfy(\.isEmpty) ? 0 : Double(head.pack().count)
        account.records = Double(tiles.recordSize)
        account.tables = Double(tiles.tableSize)
        account.mask = bits[DecisionKind.mask.rawValue] / 8
        account.prediction = bits[DecisionKind.prediction.rawValue] / 8
        account.flags = bits[DecisionKind.flag.rawValue] / 8
        account.significance = bits[DecisionKind.significance.rawValue] / 8
        account.signs = bits[DecisionKind.sign.rawValue] / 8
        account.refinement = bits[DecisionKind.refinement.rawValue] / 8
        if let number = head.residualLayer, number < layers.count { account.residual = Double(layers[number].count) }
        return account
    }

    private func residual(
        _ layers: [ArraySlice<UInt8>], _ head: FrameHead, _ tokens: TokenDecoder, chosen: [Int]? = nil
    ) throws(CodecError) -> ResidualLayer? {
        guard let number = head.residualLayer else { return nil }
        return try ResidualLayer(layers, number: number, stream: stream, tokens: tokens, chosen: chosen)
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
    func checkMemory(_ tokens: TokenDecoder, samples: Int, hasResidual: Bool = false) throws(CodecError) {
        let bands = stream.bands.count
        let octets =
            bands * samples * (stream.sampleType.size + MemoryLayout<Float>.size)
            + Self.workspaceSize(tokens.grid, bands, hasResidual: hasResidual)
        guard octets <= memoryLimit else {
            throw .outOfRange(field: "memory for decoding, octets", value: octets, limit: memoryLimit)
        }
    }

    /// Octets of a lane's workspace.
    private static func workspaceSize(_ grid: TileGrid, _ bands: Int, hasResidual: Bool) -> Int {
        let largest = grid.largestTile
        return bands * largest.rows * largest.columns * (workspaceOctets + (hasResidual ? residualOctets : 0))
    }

    /// The head, with what the records say of the tiles in its choice, and the tiles' streams.
    func parse(
        _ layers: [ArraySlice<UInt8>], _ tokens: TokenDecoder, chosen: [Int]? = nil
    ) throws(CodecError) -> (head: FrameHead, tiles: TokenDecoder.TileOctets) {
        var rest = layers[...].drop(while: \.isEmpty)
        if let layer = rest.first, ResidualHead.begins(layer) {
            throw .unusable(
                field: "layer \(rest.startIndex)", found: "a residual layer without any transform layer",
                expected: "the layers before it, which it refers to")
        }
        guard let first = rest.first, let parsed = try FrameHead.parse(first, bands: stream.bands.count) else {
            return (FrameHead(choice: .identity, hasMask: false), try tokens.tileOctets([]))
        }
        var head = parsed.head
        rest[rest.startIndex] = first.dropFirst(parsed.size)
        // a number that the head's own layer has, or one before it, names no layer of a residual
        let end = head.residualLayer.map { min(max($0, rest.startIndex + 1), rest.endIndex) } ?? rest.endIndex
        rest = rest[..<end]
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

/// What stands before the octets of tiles' streams in each layer: the records of section 5.10 of Docs/packet-format.md.
package struct TileRecords {
    private let record: SpectralRecord?
    private let spectra: [TileSpectrum]

    /// For frames without records.
    package static let none = TileRecords(record: nil, spectra: [])

    private init(record: SpectralRecord?, spectra: [TileSpectrum]) {
        self.record = record
        self.spectra = spectra
    }

    /// The records of a frame of this choice and shape.
    package init(_ choice: SpectralChoice, bands: Int, levels: Int) {
        guard !choice.tiles.isEmpty else {
            self = .none
            return
        }
        record = SpectralRecord(bands: bands, levels: levels, headMode: choice.mode, hasModes: choice.tiles.count > 1)
        spectra = choice.tiles
    }

    /// Layers that each tile's records hold so far: none.
    var start: [Int] { [Int](repeating: 0, count: spectra.count) }

    /// The record of a tile in `layer`, in which its stream goes to octet `end`; empty where there is none. A tile's records
    /// begin with its first octets and come in every layer from then on. `sent` takes note.
    func octets(_ tile: Int, sent: inout [Int], layer: Int, to end: Int) -> [UInt8] {
        guard let record, end > 0 else { return [] }
        let octets = record.pack(spectra[tile], from: sent[tile], to: layer + 1) ?? []
        sent[tile] = layer + 1
        return octets
    }

    /// How many octets that is where the tile has any.
    func size(_ tile: Int, sent: [Int], layer: Int) -> Int {
        record?.pack(spectra[tile], from: sent[tile], to: layer + 1)?.count ?? 0
    }

    /// Whether all rotations are in the records of these layers.
    func isComplete(_ sent: [Int]) -> Bool {
        zip(spectra, sent).allSatisfy { spectrum, sent in
            sent == 0 || spectrum.layers.dropFirst(sent).allSatisfy(\.isEmpty)
        }
    }
}

public import PerigeeCore
import PerigeeJSON
import PerigeeRaster

/// Writes the product of a frame: a Cloud Optimized GeoTIFF and a STAC item beside it. Docs/products.md says where and what.
public struct ProductWriter: Sendable {
    /// Folder of products.
    public let folder: String

    /// A product that stands on the disk.
    public struct Product: Equatable, Sendable {
        public let raster: String
        public let item: String
        /// Octets of the GeoTIFF.
        public let size: Int
        /// What the tokens said and the product cannot, as sentences.
        public let notes: [String]
    }

    /// A writer below `folder`, which is made when the first product is.
    public init(folder: String) { self.folder = folder }

    /// Writes both files, the item last: an item on the disk always describes the raster beside it. Each is atomic.
    public func write(_ decoded: DecodedFrame, _ facts: ProductFacts) throws(ProductError) -> Product {
        let name = ProductName(facts, metadata: decoded.metadata)
        let directory = "\(folder)/\(name.folder)"
        try ProductFile.makeDirectory(directory)
        var notes: [String] = []
        let (placed, footprint) = try place(decoded, &notes)
        let raster = "\(directory)/\(name.raster)"
        let isCategorical = decoded.stream.bands.contains(where: \.isCategorical)
        let size: Int
        do throws(RasterError) {
            size = try RasterWriter.writeCOG(
                placed.frame, to: raster, metadata: items(decoded, facts), isCategorical: isCategorical)
        } catch { throw .raster(error) }
        let item = STACItem(decoded: placed, facts: facts, name: name, footprint: footprint, notes: notes)
        try ProductFile.write(item.json, to: "\(directory)/\(name.item)")
        ProductFile.remove("\(directory)/\(name.note)")
        return Product(raster: raster, item: "\(directory)/\(name.item)", size: size, notes: notes)
    }

    /// Notes that a frame cannot be decoded, and why; a product of coarser layers that is there already stays.
    public func writeNote(
        _ error: ProductError, _ facts: ProductFacts, declaration: StreamDeclaration, metadata: FrameMetadata
    ) throws(ProductError) -> String {
        let name = ProductName(facts, metadata: metadata)
        let directory = "\(folder)/\(name.folder)"
        try ProductFile.makeDirectory(directory)
        let note = JSONValue.object([
            "station": .string(facts.station), "epoch": .string(facts.epoch.text),
            "frame": .integer(Int(clamping: facts.frame)), "firmware": .string(Hex.text(declaration.firmware)),
            "reason": .string("\(error)"), "packets": .integer(facts.packetCount),
            "packet_bytes": .integer(facts.packetSize),
        ])
        try ProductFile.write(note, to: "\(directory)/\(name.note)")
        return "\(directory)/\(name.note)"
    }

    /// Whether the product on the disk was made of the packets that `facts` counts by the same release.
    public func isCurrent(_ facts: ProductFacts, metadata: FrameMetadata) -> Bool {
        let name = ProductName(facts, metadata: metadata)
        let directory = "\(folder)/\(name.folder)"
        return ProductFile.made(of: "\(directory)/\(name.item)") == ProductFile.Origin(facts)
            && ProductFile.exists("\(directory)/\(name.raster)")
    }

    /// The outline of the frame. A position that means nothing is left out with a note: the samples still count.
    private func place(
        _ decoded: DecodedFrame, _ notes: inout [String]
    ) throws(ProductError) -> (DecodedFrame, Footprint?) {
        guard let georeference = decoded.frame.description.georeference else { return (decoded, nil) }
        let samples = decoded.frame.samples
        var reason = "its grid has no area or lies where the CRS has no meaning"
        do throws(RasterError) {
            if let footprint = try Footprint.of(georeference, rows: samples.rows, columns: samples.columns) {
                return (decoded, footprint)
            }
        } catch { reason = "\(error)" }
        notes.append("position EPSG:\(georeference.epsg) \(georeference.transform) is left out: \(reason)")
        var description = decoded.frame.description
        description.georeference = nil
        do throws(FormatError) {
            return (
                DecodedFrame(
                    stream: decoded.stream, metadata: decoded.metadata,
                    frame: try Frame(description: description, samples: samples), layerSizes: decoded.layerSizes), nil
            )
        } catch { throw .format(error) }
    }

    private func items(_ decoded: DecodedFrame, _ facts: ProductFacts) -> [String: String] {
        var items = [
            "perigee_epoch": facts.epoch.text, "perigee_frame": "\(facts.frame)",
            "perigee_firmware": Hex.text(decoded.stream.declaration.firmware),
            "perigee_layers": "\(decoded.layerSizes.count)", "perigee_packet_bytes": "\(facts.packetSize)",
        ]
        items["perigee_history"] = decoded.history
        return items
    }
}

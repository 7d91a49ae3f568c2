public import PerigeeCodec
public import PerigeeCore
public import PerigeeFirmware

/// A frame made of tokens, with its stream.
public struct DecodedFrame: Sendable {
    public let stream: StreamDescription
    public let metadata: FrameMetadata
    public let frame: Frame
    /// Octets of the layers that were used, coarse to fine.
    public let layerSizes: [Int]

    /// What products say of the earlier frames in it: nil of a plain frame.
    var history: String? {
        LayerLadder.history(of: metadata, layerSize: layerSizes.reduce(0, +), rawSize: frame.samples.bytes.count)
    }
}

/// Tokens to samples: finds the firmware that a declaration names and keeps what it loaded. One thread at a time.
public struct StreamDecoder: Sendable {
    private let store: FirmwareStore
    private let lanes: Int
    private let sizeLimit: Int
    private var bundles: [UInt32: Bundle] = [:]
    private var decoders: [(declaration: StreamDeclaration, decoder: FrameDecoder)] = []
    /// Bundles and decoders that are kept.
    private static let bundleLimit = 4
    private static let decoderLimit = 8

    private struct Bundle: Sendable {
        let profiles: [SensorProfile]
        let model: CodecModel
    }

    /// `lanes`: threads that decode the tiles of a frame. `sizeLimit`: octets of the samples of one frame.
    public init(store: FirmwareStore, lanes: Int = 1, sizeLimit: Int = Samples.defaultSizeLimit) {
        self.store = store
        self.lanes = lanes
        self.sizeLimit = sizeLimit
    }

    /// What a declaration means. Throws `ProductError.unknownFirmware` where its bundle is not there.
    public mutating func stream(_ declaration: StreamDeclaration) throws(ProductError) -> StreamDescription {
        let bundle = try bundle(declaration.firmware)
        do throws(FormatError) {
            return try StreamDescription(declaration, profiles: bundle.profiles)
        } catch { throw .format(error) }
    }

    /// The frame as far as `layers` describe it; each may be cut anywhere, finer ones may be missing. `reference`: that of a
    /// predicted frame, from `reference(of:earlier:)`.
    public mutating func decode(
        _ declaration: StreamDeclaration, metadata: FrameMetadata, layers: [ArraySlice<UInt8>],
        reference: FrameReference? = nil
    ) throws(ProductError) -> DecodedFrame {
        if let references = metadata.references, reference == nil {
            throw .references(count: references.frames.count)
        }
        let decoder = try decoder(declaration)
        let samples: Samples
        do throws(CodecError) { samples = try decoder.decode(layers: layers, reference: reference) } catch {
            throw .codec(error)
        }
        do throws(FormatError) {
            return DecodedFrame(
                stream: decoder.stream, metadata: metadata,
                frame: try Frame(description: decoder.stream.frameDescription(metadata), samples: samples),
                layerSizes: layers.map(\.count))
        } catch { throw .format(error) }
    }

    /// The frame of a token file, by its first `layerCount` layers (nil: all).
    public mutating func decode(
        _ file: TokenFile, layerCount: Int? = nil
    ) throws(ProductError) -> DecodedFrame {
        let layers = file.layers.prefix(layerCount ?? file.layers.count)
        return try decode(file.declaration, metadata: file.metadata, layers: Array(layers))
    }

    /// Whether the bundle is there and can be used; it is kept then.
    mutating func canLoad(_ firmware: UInt32) -> Bool { (try? bundle(firmware)) != nil }

    /// What frames of a firmware are coded with.
    mutating func model(_ firmware: UInt32) throws(ProductError) -> CodecModel { try bundle(firmware).model }

    mutating func decoder(_ declaration: StreamDeclaration) throws(ProductError) -> FrameDecoder {
        if let known = decoders.first(where: { $0.declaration == declaration }) { return known.decoder }
        let stream = try stream(declaration)
        let model = try bundle(declaration.firmware).model
        let decoder: FrameDecoder
        do throws(CodecError) {
            decoder = try FrameDecoder(model: model, stream: stream, lanes: lanes, sampleLimit: sizeLimit)
        } catch { throw .codec(error) }
        if decoders.count == Self.decoderLimit { decoders.removeFirst() }
        decoders.append((declaration, decoder))
        return decoder
    }

    private mutating func bundle(_ id: UInt32) throws(ProductError) -> Bundle {
        if let known = bundles[id] { return known }
        let loaded: FirmwareBundle?
        do throws(FirmwareError) { loaded = try store.load(id: id) } catch {
            throw .unusableFirmware(id, error)
        }
        guard let loaded else { throw .unknownFirmware(id) }
        do throws(CodecError) {
            let bundle = Bundle(profiles: loaded.profiles, model: try CodecModel(tensors: loaded.tensors))
            if bundles.count == Self.bundleLimit { bundles.removeAll() }
            bundles[id] = bundle
            return bundle
        } catch { throw .codec(error) }
    }
}

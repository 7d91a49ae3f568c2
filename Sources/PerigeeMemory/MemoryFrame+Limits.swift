import PerigeeCore

extension MemoryFrame {
    /// What memory does not take, seen before anything is allocated for it.
    var refusal: MemoryLedger.Refusal? {
        let hasShape =
            (1...MemoryLimit.layers).contains(layers.count) && (0...layers.count).contains(sentLayers)
            && layers.allSatisfy { (1...Int(Int32.max)).contains($0.ratio) }
            && references.count <= MemoryLimit.references && frame <= MemoryLimit.frameNumber
            && (0...1).contains(clearShare)
        let texts = [sensor, metadata.place ?? "", metadata.group ?? ""]
        let hasSize =
            layers.reduce(0) { $0 + $1.octets.count } <= MemoryLimit.frameSize
            && clearMap.count <= MemoryLimit.clearMapSize
            && texts.allSatisfy { $0.utf8.count <= DeclarationLimit.text }
            && declarationSize <= MemoryLimit.declarationSize
        return hasShape && hasSize ? nil : .limit
    }

    private var declarationSize: Int {
        var writer = ByteWriter()
        declaration.pack(into: &writer)
        return writer.bytes.count
    }
}

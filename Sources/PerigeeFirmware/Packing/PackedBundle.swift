/// A bundle in one file: manifest, signature and files in a tar archive (`TapeArchive`), in this order.
///
/// Reading goes from outside in: size, shape of the archive, signature, and only then what the manifest says.
public struct PackedBundle: Equatable, Sendable {
    /// Octets of the whole file.
    public static let sizeLimit = FirmwareBundle.totalSizeLimit + (2 << 20)

    /// The whole file.
    public let octets: [UInt8]
    private let entries: [TapeArchive.Entry]

    /// Looks at the shape alone: nothing in it is trusted yet.
    public init(parsing octets: [UInt8]) throws(FirmwareError) {
        guard octets.count <= Self.sizeLimit else {
            throw .outOfRange(field: "packed bundle size", value: octets.count, limit: Self.sizeLimit)
        }
        entries = try TapeArchive.parse(octets, limit: FirmwareBundle.fileLimit + 2)
        self.octets = octets
        guard let first = entries.first, first.name == FirmwareManifest.manifestFile,
            first.range.count <= FirmwareManifest.sizeLimit
        else {
            throw .unusable(
                field: "first file of the packed bundle", found: entries.first?.name ?? "none",
                expected: "\(FirmwareManifest.manifestFile) of at most \(FirmwareManifest.sizeLimit) octets")
        }
    }

    /// Reads a file of at most `sizeLimit` octets.
    public init(file path: String) throws(FirmwareError) {
        try self.init(parsing: BundleFile.read(path, field: path, limit: Self.sizeLimit))
    }

    /// Packs a folder whose every file fits its manifest; its signature where it has one.
    public init(directory: String) throws(FirmwareError) {
        let manifest = try FirmwareBundle.load(directory: directory).manifest
        var files: [(name: String, octets: [UInt8])] = []
        func add(_ name: String, limit: Int) throws(FirmwareError) {
            files.append((name, try BundleFile.read("\(directory)/\(name)", field: name, limit: limit)))
        }
        try add(FirmwareManifest.manifestFile, limit: FirmwareManifest.sizeLimit)
        if BundleFile.exists("\(directory)/\(FirmwareManifest.signatureFile)") {
            try add(FirmwareManifest.signatureFile, limit: DetachedSignature.sizeLimit)
        }
        for file in manifest.files { try add(file.name, limit: file.size) }
        try self.init(parsing: TapeArchive.pack(files))
    }

    /// Packs files that are at hand.
    package init(manifest: [UInt8], signature: [UInt8]?, files: [(name: String, octets: [UInt8])]) throws(FirmwareError)
    {
        var all = [(name: FirmwareManifest.manifestFile, octets: manifest)]
        if let signature { all.append((FirmwareManifest.signatureFile, signature)) }
        try self.init(parsing: TapeArchive.pack(all + files))
    }

    /// What is signed.
    public var manifestOctets: [UInt8] { octets(of: entries[0]) }

    /// The text of the signature; nil where there is none.
    public var signatureOctets: [UInt8]? {
        guard entries.count > 1, entries[1].name == FirmwareManifest.signatureFile else { return nil }
        return octets(of: entries[1])
    }

    /// SHA-256 of the whole file, by which it is offered over the link.
    public var digest: [UInt8] { SHA256.digest(octets) }

    /// Every file, in order: what a slot holds.
    public var files: [(name: String, octets: [UInt8])] { entries.map { ($0.name, octets(of: $0)) } }

    /// Checks the signature over the manifest, before anything in it is read.
    public func verify(_ keys: TrustedKeys) throws(FirmwareError) -> SigningKeyID {
        guard let signature = signatureOctets else {
            throw .signature(file: FirmwareManifest.signatureFile, .absent)
        }
        return try keys.verify(manifestOctets, signature: signature, file: FirmwareManifest.signatureFile)
    }

    /// Reads the manifest and checks that the files are exactly those that it lists.
    public func contents() throws(FirmwareError) -> FirmwareManifest {
        let manifest = try FirmwareManifest(parsing: manifestOctets)
        let rest = entries.dropFirst(signatureOctets == nil ? 1 : 2)
        guard rest.map(\.name) == manifest.files.map(\.name) else {
            throw .unusable(
                field: "files of the packed bundle", found: rest.map(\.name).joined(separator: ", "),
                expected: "those of its manifest in their order: \(manifest.files.map(\.name).joined(separator: ", "))")
        }
        for (entry, file) in zip(rest, manifest.files) {
            guard entry.range.count == file.size else {
                throw .unusable(field: "\(file.name) size", found: "\(entry.range.count)", expected: "\(file.size)")
            }
            let digest = SHA256.digest(octets(of: entry))
            guard digest == file.sha256 else { throw .digest(file: file.name, found: digest, expected: file.sha256) }
        }
        return manifest
    }

    /// The same bundle, signed anew.
    public func signed(by key: SigningSecretKey, comment: String) throws(FirmwareError) -> PackedBundle {
        guard let signature = key.sign(manifestOctets, trustedComment: comment) else {
            throw .unusable(field: "trusted comment", found: "\(comment.utf8.count) octets", expected: "a line of text")
        }
        let rest = entries.dropFirst(signatureOctets == nil ? 1 : 2)
        return try PackedBundle(
            manifest: manifestOctets, signature: Array(signature.text.utf8),
            files: rest.map { ($0.name, octets(of: $0)) })
    }

    private func octets(of entry: TapeArchive.Entry) -> [UInt8] { Array(octets[entry.range]) }
}

/// A directory with a bundle in each sub-directory. Keeps nothing in memory: each question reads the directory anew, so a
/// bundle that arrives is found.
public struct FirmwareStore: Sendable {
    /// Sub-directories that are looked at.
    public static let bundleLimit = 1_024

    public let directory: String

    /// What lies in the directory.
    public struct Listing: Equatable, Sendable {
        /// Bundles whose manifest can be read, by name of the sub-directory.
        public var bundles: [Entry] = []
        /// Sub-directories that hold no usable manifest, and why.
        public var refused: [Refusal] = []
    }

    /// One bundle.
    public struct Entry: Equatable, Sendable {
        public let path: String
        public let manifest: FirmwareManifest
    }

    /// One sub-directory that was passed over.
    public struct Refusal: Equatable, Sendable {
        public let path: String
        public let reason: FirmwareError
    }

    /// A store in `directory`; nothing is read yet.
    public init(directory: String) { self.directory = directory }

    /// Reads all manifests; files are checked when a bundle is loaded. Fails only where the directory cannot be read.
    public func list() throws(FirmwareError) -> Listing {
        var listing = Listing()
        for name in try BundleFile.names(in: directory, limit: Self.bundleLimit) {
            let path = "\(directory)/\(name)"
            guard BundleFile.isDirectory(path) else { continue }
            do {
                listing.bundles.append(Entry(path: path, manifest: try FirmwareBundle.readManifest(directory: path)))
            } catch {
                listing.refused.append(Refusal(path: path, reason: error))
            }
        }
        return listing
    }

    /// The bundle that declarations name by `id`; nil where there is none (yet). Throws where it is there but broken.
    public func load(id: UInt32) throws(FirmwareError) -> FirmwareBundle? {
        guard let entry = try list().bundles.first(where: { $0.manifest.id == id }) else { return nil }
        return try FirmwareBundle.load(directory: entry.path)
    }
}

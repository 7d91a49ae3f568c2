internal import PerigeeCore

/// A file that holds room on the disk, to be given back when the disk is full.
enum Ballast {
    static let name = "ballast"
    private static let block = 1 << 20

    static func path(_ directory: String) -> String { "\(directory)/\(name)" }

    static func remove(_ directory: String) { SystemFiles.remove(path(directory)) }

    /// Whether it is there in its full size.
    static func isWhole(_ directory: String, size: Int) -> Bool { SystemFiles.size(path(directory)) >= size }

    /// Writes it where it is not whole. The octets are random: a file system that compresses or
    /// leaves out zeros would hold no room.
    static func build(_ directory: String, size: Int) {
        guard size > 0, !isWhole(directory, size: size) else { return }
        var generator = SystemRandomNumberGenerator()
        let count = min(size, block)
        let words = (0..<(count + 7) / 8).map { _ in generator.next() }
        let octets = words.withUnsafeBytes { Array($0.prefix(count)) }
        do throws(SpoolError) {
            try SystemFiles.write(path(directory), octets, times: (size + count - 1) / count)
            try SystemFiles.syncDirectory(directory)
        } catch {
            // Half a ballast on a disk that is full already is worse than none.
            remove(directory)
        }
    }
}

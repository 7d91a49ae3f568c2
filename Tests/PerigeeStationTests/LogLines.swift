import Glibc
import PerigeeTestSupport
import Testing

/// The log of a station, read while it is written.
final class LogLines {
    /// Where the station writes.
    let writer: Int32
    private let reader: Int32
    private var text = ""

    init() throws {
        var ends: [Int32] = [-1, -1]
        let code = pipe(&ends)
        try #require(code == 0)
        // Both ends stay open until the process ends: a station of a failed test may still write.
        (reader, writer) = (ends[0], ends[1])
    }

    /// Waits for a line with `event`; answers everything that was logged so far.
    func wait(for event: String) throws -> String {
        while !text.contains(" event=\(event)") {
            var octets = [UInt8](repeating: 0, count: 4_096)
            let count = read(reader, &octets, octets.count)
            try #require(count > 0)
            text += String(decoding: octets[..<count], as: UTF8.self)
        }
        return text
    }
}

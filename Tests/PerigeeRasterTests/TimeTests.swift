import PerigeeCore
import PerigeeRaster
import PerigeeTestSupport
import Testing

/// What a file's items say of the time, and what a frame makes of it.
private struct Time: Sendable, CustomTestStringConvertible {
    var item: String?
    var tag: String?
    var time: String?
    /// Words of the only note; nil: there is none.
    var note: String?
    var testDescription: String { "datetime \(item ?? "-"), tag \(tag ?? "-")" }
}

@Suite("The time of a GeoTIFF")
struct TimeTests {
    @Test(
        "is what the file says, and unknown where it says the day alone",
        arguments: [
            Time(item: "2020-01-13T10:30:00.5Z", time: "2020-01-13T10:30:00.500Z"),
            Time(item: "2020-01-13T10:30:00", time: "2020-01-13T10:30:00Z"),
            Time(item: "2020-01-13T00:00:00Z", time: "2020-01-13T00:00:00Z"),
            Time(item: "2020-01-13", note: "no time of day"),
            Time(item: "2020-01-13", tag: "2020:01:13 10:30:00", note: "no time of day"),
            Time(item: "2020-13-13", note: "no RFC 3339 time"),
            Time(item: "noon", note: "no RFC 3339 time"),
            Time(tag: "2020:01:13 10:30:00", time: "2020-01-13T10:30:00Z"),
            Time(tag: "2020:01:13 00:00:00", time: "2020-01-13T00:00:00Z", note: "only the day"),
            Time(tag: "2020:01:13", note: "no time of day"), Time(),
        ])
    private func reads(_ expected: Time) throws {
        let folder = try TemporaryFolder()
        let samples = try Samples(type: .uint8, bands: 1, rows: 1, columns: 1, bytes: [1])
        let frame = try Frame(description: FrameDescription(sensor: "s", bandNames: ["b"]), samples: samples)
        var items: [String: String] = [:]
        items["datetime"] = expected.item
        items["TIFFTAG_DATETIME"] = expected.tag
        try RasterWriter.writeCOG(frame, to: folder.file("a.tif"), metadata: items)
        let file = try RasterReader.read(folder.file("a.tif"))
        #expect(file.frame.description.datetime?.rfc3339 == expected.time)
        #expect(file.notes.count == (expected.note == nil ? 0 : 1), "\(file.notes)")
        if let note = expected.note { #expect(file.notes.first?.contains(note) == true, "\(file.notes)") }
    }
}

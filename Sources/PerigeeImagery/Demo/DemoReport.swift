import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeQuality
import PerigeeRaster
import PerigeeTools

/// The numbers of one configuration: a row of the table.
struct DemoRow {
    let ratio: Int
    let frames: Int
    let outcome: DemoPass.Outcome
    let reports: [QualityReport]

    /// Mean over the frames of what a report says, where it does.
    func mean(_ value: (QualityReport) -> Double?) -> Double? {
        let values = reports.compactMap(value)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    var rawOverLink: Double? { quotient(outcome.rawSize) }
    var losslessOverLink: Double? { outcome.losslessSize.flatMap(quotient) }

    private func quotient(_ size: Int) -> Double? {
        outcome.linkSize > 0 ? Double(size) / Double(outcome.linkSize) : nil
    }

    var json: JSONValue {
        .object([
            "configuration": .string("\(ratio)x"), "frames": .integer(frames), "raw_bytes": .integer(outcome.rawSize),
            "link_bytes": .integer(outcome.linkSize), "packet_bytes": .integer(outcome.packetSize),
            "lossless_zstd_bytes": outcome.losslessSize.map { .integer($0) } ?? .null,
            "raw_over_link": .optional(rawOverLink), "lossless_over_link": .optional(losslessOverLink),
            "psnr": .optional(mean(\.psnr)), "ssim": .optional(mean(\.ssim)), "sam": .optional(mean(\.sam)),
            "ndvi_error": .optional(mean(\.ndviError)),
        ])
    }

    static func table(_ rows: [DemoRow]) -> Table {
        var table = Table([
            ("target", .right), ("frames", .right), ("raw octets", .right), ("on the link", .right),
            ("saving: raw", .right), ("zstd", .right), ("PSNR dB", .right), ("SSIM", .right), ("angle deg", .right),
            ("NDVI error", .right),
        ])
        for row in rows {
            table.append([
                Table.group(row.ratio) + "x", String(row.frames), Table.group(row.outcome.rawSize),
                Table.group(row.outcome.linkSize), Table.number(row.rawOverLink, digits: 1) + "x",
                Table.number(row.losslessOverLink, digits: 1) + "x", Table.number(row.mean(\.psnr), digits: 2),
                Table.number(row.mean(\.ssim), digits: 3), Table.number(row.mean(\.sam), digits: 2),
                Table.number(row.mean(\.ndviError), digits: 3),
            ])
        }
        return table
    }
}

/// Original and reconstructions side by side.
enum DemoSheet {
    /// `views` are rows of a sheet: a title, the frame that the stretch is fitted to, the original, and for each configuration
    /// its name, frame and PSNR.
    static func draw(
        _ views: [(
            name: String, stretch: Frame, original: Frame, others: [(name: String, frame: Frame, psnr: Double?)]
        )],
        bands: [Band], to path: String
    ) throws(CommandFailure) {
        let shown = [BandChoice.red(in: bands), BandChoice.green(in: bands), BandChoice.blue(in: bands)]
            .map { $0 ?? 0 }
        var rows: [[Sheet.Cell]] = []
        for view in views {
            let nodata = view.original.description.nodata
            let composite = Composite(fitting: view.stretch.samples, bands: shown, nodata: nodata)
            var row = [
                Sheet.Cell(
                    image: composite.image(of: view.original.samples, nodata: nodata), lines: ["original", view.name])
            ]
            for other in view.others {
                row.append(
                    Sheet.Cell(
                        image: composite.image(of: other.frame.samples, nodata: nodata),
                        lines: [other.name, "PSNR \(Table.number(other.psnr, digits: 1)) dB"]))
            }
            rows.append(row)
        }
        do {
            try RasterWriter.writePNG(Sheet(title: "A simulated pass through Perigee", rows: rows).image(), to: path)
        } catch { throw CommandFailure(error) }
    }
}

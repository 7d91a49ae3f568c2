import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeQuality
import PerigeeRaster
import PerigeeTools

extension CompareCommand {
    static func run(_ arguments: Arguments) throws -> ExitCode {
        let catalog = try Library(arguments).sensors()
        let original = try InputFrame(path: arguments.positionals[0], arguments, catalog: catalog)
        let other: RasterFile
        do { other = try RasterReader.read(arguments.positionals[1]) } catch { throw CommandFailure(error) }
        let report: QualityReport
        do {
            report = try measure(original, other.frame.samples, peak: arguments.number("peak"))
        } catch {
            throw CommandFailure(.data, "\(arguments.positionals[1]): \(error)")
        }
        if arguments.flag("json") {
            Terminal.print(json(report).indented)
        } else {
            print(report)
        }
        if let floor = arguments.number("at-least"), (report.psnr ?? .infinity) < floor {
            Program(PerigeeTool.command).report(
                "PSNR is \(Table.number(report.psnr, digits: 2)) dB, --at-least asks for \(Table.number(floor, digits: 2)) dB"
            )
            return .differs
        }
        return .ok
    }

    static func measure(
        _ original: InputFrame, _ other: Samples, peak: Double?
    ) throws(QualityError) -> QualityReport {
        let description = original.frame.description
        let samples = original.frame.samples
        let profile = original.profile
        let bands = description.bandNames.map { name in
            profile?.bands.first { $0.name == name } ?? Band(name: name)
        }
        var conditions = Quality.Conditions(
            peak: peak ?? profile.map { $0.peak(scale: description.scale) }
                ?? Quality.defaultPeak(of: samples, nodata: description.nodata),
            nodata: description.nodata, bands: bands)
        conditions.scale = description.scale ?? profile?.scale ?? 1
        conditions.offset = description.offset ?? profile?.offset ?? 0
        return try Quality.compare(samples, other, conditions)
    }

    /// The report for programs; PSNR of equal frames is null, since JSON has no infinity, and `exact` is true.
    static func json(_ report: QualityReport) -> JSONValue {
        .object([
            "psnr": .optional(report.psnr), "ssim": .optional(report.ssim), "sam": .optional(report.sam),
            "ndvi_error": .optional(report.ndviError), "mse": .optional(report.meanSquaredError),
            "max_error": .optional(report.maxError), "exact": .bool(report.isExact), "peak": .number(report.peak),
            "samples": .integer(report.samples), "valid_samples": .integer(report.validSamples),
            "mask_mismatches": .integer(report.maskMismatches),
            "bands": .array(
                report.bands.map { band in
                    .object([
                        "name": .string(band.name), "psnr": .optional(band.psnr), "ssim": .optional(band.ssim),
                        "mse": .optional(band.meanSquaredError), "max_error": .optional(band.maxError),
                        "valid_samples": .integer(band.validSamples),
                    ])
                }),
        ])
    }

    private static func print(_ report: QualityReport) {
        var table = Table([
            ("band", .left), ("PSNR dB", .right), ("SSIM", .right), ("largest error", .right),
            ("valid samples", .right),
        ])
        for band in report.bands {
            table.append([
                band.name, Table.number(band.psnr, digits: 2), Table.number(band.ssim, digits: 4),
                Table.number(band.maxError, digits: 1), Table.group(band.validSamples),
            ])
        }
        table.append([
            "frame", Table.number(report.psnr, digits: 2), Table.number(report.ssim, digits: 4),
            Table.number(report.maxError, digits: 1), Table.group(report.validSamples),
        ])
        Terminal.write(table.text(isStyled: Terminal.hasColor(.output)))
        let angle = Table.number(report.sam, digits: 3)
        let ndvi = Table.number(report.ndviError, digits: 4)
        Terminal.print(
            "spectral angle \(angle) degrees, NDVI error \(ndvi), peak \(Table.number(report.peak, digits: 0))")
        if report.maskMismatches > 0 {
            Terminal.print(
                "\(Table.group(report.maskMismatches)) samples are missing in one frame and not in the other")
        }
    }
}

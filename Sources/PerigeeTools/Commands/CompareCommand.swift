import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeQuality
import PerigeeRaster

/// `perigee compare`: how far one GeoTIFF lies from another.
enum CompareCommand {
    static let command = Command(
        "compare", summary: "Measure how far a GeoTIFF lies from its original",
        discussion: [
            "PSNR: from the mean squared error over all valid samples of the frame, after rounding and clipping to the "
                + "original's type; the peak is the profile's (10,000 for reflectance, 255 for 8 bits). SSIM: Gaussian window, "
                + "sigma 1.5, for each band, data range = peak, mean over bands. SAM: angle between spectra in degrees, mean over "
                + "valid pixels. NDVI error: mean absolute difference over valid pixels. A sample is valid where the original "
                + "has one; Docs/products.md says the rest.",
            "With --at-least the exit code is \(ExitCode.differs.rawValue) where the PSNR is lower.",
        ],
        options: [
            SharedOptions.sensor,
            .value("peak", .number(1e-12...1e12), as: "P", help: "Peak of PSNR and range of SSIM; else the profile's"),
            .value("at-least", .number(-1_000...1_000), as: "DB", help: "Lowest PSNR that is good enough"),
        ] + SharedOptions.scaling + [
            SharedOptions.home, SharedOptions.firmware, SharedOptions.json,
        ],
        positionals: [
            Positional("ORIGINAL.tif", .file, help: "the original"),
            Positional("OTHER.tif", .file, help: "what is measured"),
        ],
        examples: [
            Example("perigee compare scene.tif back.tif", "A table of bands, and the frame as a whole"),
            Example("perigee compare --json scene.tif back.tif", "The same for programs"),
        ], exitCodes: [.differs, .data, .unavailable, .config])

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

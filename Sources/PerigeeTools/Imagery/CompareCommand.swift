package import PerigeeCommandLine

/// `perigee compare`: how far one GeoTIFF lies from another.
package enum CompareCommand {
    package static let command = Command(
        "compare", summary: "Measure how far a GeoTIFF lies from its original",
        discussion: [
            "PSNR: from the mean squared error over all valid samples of the frame, after rounding and clipping to the "
                + "original's type; the peak is the profile's (10,000 for reflectance, 255 for 8 bits). SSIM: Gaussian window, "
                + "sigma 1.5, for each band, data range = peak, mean over bands. SAM: angle between spectra in degrees, mean over "
                + "valid pixels. NDVI error: mean absolute difference over valid pixels. A sample is valid where the original "
                + "has one; Docs/products.md says the rest.",
            "With --at-least the exit code is \(ExitCode.differs.rawValue) where the PSNR is lower.",
            ImageryProgram.note,
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
}

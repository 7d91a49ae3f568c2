package import PerigeeCommandLine
import PerigeeCore

/// `perigee decode`: one token file, or a prefix of one, to a GeoTIFF.
package enum DecodeCommand {
    /// Octets of a token file; a verbatim frame may be as large as its samples.
    package static let fileLimit = 300 << 20

    package static let command = Command(
        "decode", summary: "Rebuild a GeoTIFF from a token file",
        discussion: [
            "Writes a Cloud Optimized GeoTIFF with position, time, band names, nodata and scale as the source gave them. What "
                + "the file says nothing of stays unknown. --layers and --bytes decode as if the rest had never been sent; "
                + "a file that was cut short decodes with --bytes.",
            "--window writes a rectangle of the frame, the same samples as in the whole; only the tiles it depends on are "
                + "decoded, so a window of a frame that is too large to decode whole can be had.",
            "A frame that was encoded with --reference needs the same files, in any order, and those that they were predicted "
                + "from; they are checked, and a wrong or missing one is an error.",
            ImageryProgram.note,
        ],
        options: [
            .value("output", short: "o", .file, as: "FILE", help: "GeoTIFF to write", isRequired: true),
            .value("layers", .integer(1...TokenFile.layerLimit), as: "K", help: "Only the first K layers"),
            .value("bytes", .octets(1...Int.max), as: "N", help: "Only the first N octets of the file"),
            .value("window", .text, as: "X,Y,W,H", help: "Only W columns and H rows from column X, row Y on"),
            ReferenceOption.option,
            SharedOptions.firmware, SharedOptions.home, SharedOptions.lanes, SharedOptions.json,
        ],
        positionals: [Positional("IN.pgt", .file, help: "a token file")],
        examples: [
            Example("perigee decode scene.pgt -o scene.tif", "All that the file holds"),
            Example("perigee decode scene.pgt -o coarse.tif --layers 1", "The coarsest layer alone"),
            Example("perigee decode scene.pgt -o part.tif --window 512,0,256,256", "A window alone"),
            Example("perigee decode june.pgt -o june.tif --reference may.pgt", "A frame predicted from an earlier one"),
        ], exitCodes: [.data, .unavailable, .io, .config])
}

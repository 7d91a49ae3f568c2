import PerigeeCodec
package import PerigeeCommandLine
import PerigeeCore

/// `perigee bench series`: what memory of a place gains on somebody's own frames.
package enum SeriesBenchCommand {
    package static let command = Command(
        "series", summary: "What earlier frames of a place gain, coded in closed loop",
        discussion: [
            "Every GeoTIFF of DIR is encoded as `perigee encode` does, in order of time: once alone, and once predicted from the "
                + "latest frames as a decoder has them, whichever of \(FrameMetadata.References.limit) serves best. Each must "
                + "show the same ground: the same grid, or the same --place and size. PSNR and octets are those of whole files of "
                + "the same limit.",
            "At most \(FrameMetadata.References.depthLimit) predictions follow each other: where a chain is full a frame is sent "
                + "without, a key.",
            "Files that do not fit the sensor, have no time where others do, or travel losslessly are left out and named.",
            ImageryProgram.note,
        ],
        options: [
            SharedOptions.sensor,
            .value("place", .text, as: "NAME", help: "A name for the place, where the position does not tell it"),
            .value(
                "ratio", .number(1...1e9), as: "R", help: "Raw octets of the samples over octets of the file, at least"),
            .value("bytes", .octets(1...Int.max), as: "N", help: "Octets of the file, at most"),
        ] + SharedOptions.scaling + [
            SharedOptions.firmware, SharedOptions.home, SharedOptions.lanes, SharedOptions.json,
        ],
        positionals: [Positional("DIR", .directory, help: "a folder of GeoTIFF files of one place")],
        examples: [
            Example("perigee bench series fields --sensor sentinel-2-l2a --ratio 1000", "A table of the dates"),
            Example("perigee bench series fields --bytes 500 --json", "The same for programs"),
        ], exitCodes: [.budget, .data, .unavailable, .io, .config])
}

import PerigeeCodec
package import PerigeeCommandLine
import PerigeeCore

/// `perigee encode`: one GeoTIFF to one token file.
package enum EncodeCommand {
    package static let defaultRatio = 300

    package static let command = Command(
        "encode", summary: "Encode one GeoTIFF to one token file",
        discussion: [
            "The file holds layers, coarse to fine, at 10,000x, 3,000x, 1,000x and so on up to the target; any prefix of the "
                + "file decodes. --ratio and --bytes bound the whole file, header and checksum included, and are never "
                + "exceeded: where that cannot be met nothing is written, the smallest possible size is printed and the exit "
                + "code is \(ExitCode.budget.rawValue). Without either the target is \(defaultRatio)x, or the smallest "
                + "possible size where a small frame cannot be made that small.",
            "--lossless and --max-error add one layer more, after which every valid sample comes back as it was, or within the "
                + "error E in units of the samples; this is verified for every sample. --ratio and --bytes then bound the layers "
                + "before it, and the default is \(Int(LayerLadder.ratioBelowResidual))x.",
            "--reference names an earlier token file of the same ground (same grid, or the same --place and size), best first: "
                + "where that comes nearer to the samples the frame is predicted from its layers up to "
                + "\(Int(LayerLadder.rememberedRatio))x, and decoding needs the same files. Give the files that it was itself "
                + "predicted from too; at most \(FrameMetadata.References.depthLimit) predictions may follow each other.",
            "Bands of codes (classes, flags) and frames of a sensor without a profile travel losslessly.",
            ImageryProgram.note,
        ],
        options: [
            .value("output", short: "o", .file, as: "FILE", help: "Token file to write", isRequired: true),
            SharedOptions.sensor, SharedOptions.datetime,
            .value("place", .text, as: "NAME", help: "A name for the place, where the position does not tell it"),
            ReferenceOption.option,
            .value(
                "ratio", .number(1...1e9), as: "R", help: "Raw octets of the samples over octets of the file, at least"),
            .value("bytes", .octets(1...Int.max), as: "N", help: "Octets of the file, at most"),
            .flag("lossless", help: "Bring every sample back as it was"),
            .value(
                "max-error", .text, as: "E|BAND=E,...",
                help: "Largest error of a sample; bands that a list does not name are lossless"),
        ] + SharedOptions.scaling + [
            SharedOptions.firmware, SharedOptions.home, SharedOptions.lanes, SharedOptions.json,
        ],
        positionals: [Positional("IN.tif", .file, help: "a GeoTIFF file")],
        examples: [
            Example("perigee encode scene.tif -o scene.pgt --ratio 1000", "At most a thousandth of the samples"),
            Example("perigee encode scene.tif -o scene.pgt --bytes 167", "At most 167 octets, header included"),
            Example("perigee encode scene.tif -o scene.pgt --lossless", "Every sample as it was"),
            Example("perigee encode scene.tif -o scene.pgt --max-error B02=1,B03=5", "Bounds by band"),
            Example(
                "perigee encode june.tif -o june.pgt --ratio 1000 --reference may.pgt",
                "What changed since an earlier frame"),
        ], exitCodes: [.budget, .data, .unavailable, .io, .config])
}

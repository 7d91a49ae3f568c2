package import PerigeeCommandLine
import PerigeeCore

/// `perigee render`: products of what an archive holds.
package enum RenderCommand {
    package static let command = Command(
        "render", summary: "Rebuild GeoTIFFs with STAC items from an archive",
        discussion: [
            "Writes a Cloud Optimized GeoTIFF and a STAC item for each frame below DIR/STATION/EPOCH. What is there already, "
                + "made of the same packets, stays. Frames of a firmware that is not here wait for it: a note stands in their "
                + "place. With --follow it goes on until SIGTERM or SIGINT, as packets arrive.",
            ImageryProgram.note,
        ],
        options: [
            .value("archive", .directory, as: "DIR", help: "Folder of the archive", isRequired: true),
            .value("output", short: "o", .directory, as: "DIR", help: "Folder of the products", isRequired: true),
            .flag("follow", help: "Go on as packets arrive"),
            .value("interval", .integer(10...3_600_000), as: "MS", help: "Milliseconds between looks", default: "1000"),
            .value("layers", .integer(1...Packet.layerLimit), as: "K", help: "Only the first K layers of each frame"),
            SharedOptions.firmware, SharedOptions.home, SharedOptions.lanes, SharedOptions.json,
        ],
        examples: [
            Example("perigee render --archive archive -o products", "Everything that has come"),
            Example("perigee render --archive archive -o products --follow --json", "A line of JSON for each product"),
        ], exitCodes: [.data, .unavailable, .io, .config])
}

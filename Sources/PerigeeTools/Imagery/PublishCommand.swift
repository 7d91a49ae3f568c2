package import PerigeeCommandLine

/// `perigee publish`: sends the frames of files to a station.
package enum PublishCommand {
    package static let command = Command(
        "publish", summary: "Send the frames of GeoTIFF files to a station",
        discussion: [
            "Sends one message a file, as Docs/frame-format.md describes, and an end of the run behind the last. Files are "
                + "read one by one. With --mode pub it waits for a subscription first, since a PUB drops what nobody asked for.",
            ImageryProgram.note,
        ],
        options: [
            SharedOptions.sensor, SharedOptions.datetime,
        ] + SharedOptions.scaling + SendingOptions.all + [
            SharedOptions.home, SharedOptions.firmware, SharedOptions.json,
        ],
        positionals: [Positional("FILE", .file, count: 1...100_000, help: "GeoTIFF files, one frame each")],
        examples: [
            Example(
                "perigee publish --sensor sentinel-2-l2a scene.tif", "Send one frame to the station on this machine"),
            Example(
                "perigee publish --mode pub --endpoint 'tcp://*:5560' day/*.tif --rate 2", "Publish a day, two a second"
            ),
        ], exitCodes: [.data, .unavailable, .io, .config])
}

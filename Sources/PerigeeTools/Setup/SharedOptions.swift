import PerigeeCommandLine

/// Options that several commands have.
enum SharedOptions {
    static let json = Option.flag("json", help: "Print JSON on standard output instead of text for people")
    static let home = Option.value(
        "home", .directory, as: "DIR",
        help: "Folder that holds Config/sensors and Firmware; else $PERIGEE_HOME, the folders above the program, "
            + "/usr/share/perigee")
    static let firmware = Option.value(
        "firmware", .directory, as: "DIR", help: "A firmware bundle, or a folder of bundles; else that of --home")
    static let sensor = Option.value(
        "sensor", .text, as: "NAME", help: "Profile of the frames; else what the file's item `sensor` says")
    static let datetime = Option.value(
        "datetime", .datetime, as: "TIME", help: "When the frames were taken; else what each file says")
    static let scaling = [
        Option.value(
            "scale", .number(-1e12...1e12), as: "S",
            help: "Physical value = sample x S + O; else what the file says, else the profile's"),
        Option.value("offset", .number(-1e12...1e12), as: "O", help: "See --scale"),
    ]
    static let lanes = Option.value(
        "lanes", .integer(1...256), as: "N", help: "Threads that work on tiles; else one for each core")
    static let installation = [home, firmware]
}

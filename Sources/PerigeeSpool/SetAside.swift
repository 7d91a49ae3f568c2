internal import PerigeeCore

/// Damaged files are kept to be looked at, never used again by themselves: `set-aside/TIME`.
enum SetAside {
    static func folder(_ directory: String) -> String { "\(directory)/set-aside" }

    /// Moves file and WAL together; answers where they are now. The note of it comes first: nobody would look for what a process that
    /// ended in between had moved.
    static func move(_ directory: String, now: Timestamp, keep: Int) throws(SpoolError) -> String {
        let place = try make(directory, now: now, keep: keep)
        try SalvageNote.write(directory, folder: String(place.split(separator: "/").last ?? ""))
        try move(directory, to: place)
        return place
    }

    /// Ends a move that was begun: the log may be gone from the file that it belongs to.
    static func finishMove(_ directory: String) throws(SpoolError) {
        let database = "/\(SpoolOpening.databaseName)"
        guard let place = SalvageNote.read(directory), !SystemFiles.exists(place + database),
            SystemFiles.exists(directory + database)
        else { return }
        try move(directory, to: place)
    }

    private static func move(_ directory: String, to place: String) throws(SpoolError) {
        for suffix in ["-wal", ""] {
            let path = "\(directory)/\(SpoolOpening.databaseName)\(suffix)"
            if SystemFiles.exists(path) {
                try SystemFiles.rename(path, to: "\(place)/\(SpoolOpening.databaseName)\(suffix)")
            }
        }
        try SystemFiles.syncDirectory(place)
        SystemFiles.remove(DamageMark.path(directory))
        try SystemFiles.syncDirectory(directory)
    }

    /// Makes a folder for something to be kept; the oldest beyond `keep` go.
    static func make(_ directory: String, now: Timestamp, keep: Int) throws(SpoolError) -> String {
        let parent = folder(directory)
        try SystemFiles.makeDirectory(parent)
        let kept = SystemFiles.names(parent)
        for name in kept.prefix(max(0, kept.count - max(keep - 1, 0))) { remove("\(parent)/\(name)") }
        let time = now.rfc3339.replacing(":", with: "")
        var place = "\(parent)/\(time)"
        var attempt = 1
        while SystemFiles.exists(place) {
            attempt += 1
            place = "\(parent)/\(time)-\(attempt)"
        }
        try SystemFiles.makeDirectory(place)
        try SystemFiles.syncDirectory(parent)
        return place
    }

    private static func remove(_ folder: String) {
        for name in SystemFiles.names(folder) { SystemFiles.remove("\(folder)/\(name)") }
        SystemFiles.removeDirectory(folder)
    }
}

import Glibc
import PerigeeCommandLine

/// The program of the commands that read or write rasters: it brings GDAL, and a station does without it.
enum ImageryProgram {
    private static let name = "perigee-imagery"
    private static let package = "perigee-gateway"
    /// For the help of these commands.
    static let note = "Needs the program \(name) of the package \(package)."

    /// Turns this process into that program, with the same words. Returns only by throwing.
    static func run(_ arguments: Arguments) throws(CommandFailure) -> Never {
        let command = arguments.path.joined(separator: " ")
        guard let path = InstalledPrograms.path(name) else {
            throw CommandFailure(
                .unavailable,
                "\(command) works on rasters, and \(name) is not installed: install the package \(package), "
                    + "or run `make build`")
        }
        var words: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        execv(path, &words)
        throw CommandFailure(.internal, "\(path) cannot be started: \(String(cString: strerror(errno)))")
    }
}

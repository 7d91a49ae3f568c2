public import PerigeeCommandLine
import PerigeeCore
import PerigeeRaster
import PerigeeTools

/// The commands of `perigee` that read or write rasters. Their tables stand in PerigeeTools, with those of all others.
public enum ImageryTool {
    /// Runs what the arguments name. Throws `CommandFailure`.
    public static func run(_ arguments: Arguments) async throws -> ExitCode {
        switch arguments.path {
        case ["encode"]: return try EncodeCommand.run(arguments)
        case ["decode"]: return try DecodeCommand.run(arguments)
        case ["compare"]: return try CompareCommand.run(arguments)
        case ["publish"]: return try await PublishCommand.run(arguments)
        case ["simulate"]:
            return try await SimulateCommand.run(arguments) { (frame, path) throws(CommandFailure) in
                do throws(RasterError) {
                    try RasterWriter.writeCOG(frame, to: path, metadata: ["sensor": frame.description.sensor])
                } catch { throw CommandFailure(error) }
            }
        case ["render"]: return try RenderCommand.run(arguments)
        case ["bench", "series"]: return try SeriesBenchCommand.run(arguments)
        case ["demo"]: return try await DemoCommand.run(arguments)
        default:
            let command = arguments.path.joined(separator: " ")
            throw CommandFailure(.usage, "\(command) needs no rasters: run `perigee \(command)`")
        }
    }
}

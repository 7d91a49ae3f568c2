import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeRaster
import PerigeeTools

extension DecodeCommand {
    static func run(_ arguments: Arguments) throws -> ExitCode {
        let path = arguments.positionals[0]
        guard arguments.integer("layers") == nil || arguments.integer("bytes") == nil else {
            throw CommandFailure(.usage, "--layers and --bytes exclude each other: give one of them")
        }
        let window = try arguments.text("window").map(window)
        let octets = try FileOctets.read(path, limit: fileLimit)
        let file: TokenFile
        do throws(FormatError) {
            if let size = arguments.integer("bytes") {
                file = try TokenFile(parsing: Array(octets.prefix(size)), allowsPrefix: true)
            } else {
                file = try TokenFile(parsing: octets)
            }
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
        let layers = Array(file.layers.prefix(arguments.integer("layers") ?? file.layers.count))
        let (frame, tiles) = try decode(file, layers: layers, window: window, path: path, arguments)
        let output = arguments.text("output") ?? ""
        let declared = file.declaration
        // of the whole frame, also where a window of it was asked for
        let rawSize = frame.samples.bands * frame.samples.type.size * declared.rows * declared.columns
        let history = LayerLadder.history(
            of: file.metadata, layerSize: layers.reduce(0) { $0 + $1.count }, rawSize: rawSize)
        var items = ["perigee_frame": "\(file.epoch.text)-\(file.frame)"]
        items["perigee_history"] = history
        do { try RasterWriter.writeCOG(frame, to: output, metadata: items) } catch { throw CommandFailure(error) }
        report(file, layers, frame, tiles, history, output: output, arguments)
        return .ok
    }

    /// The window that `x,y,w,h` names; whether the frame has it is for the decoder to say.
    private static func window(_ text: String) throws(CommandFailure) -> FrameWindow {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 4, let x = numbers[0], let y = numbers[1], let width = numbers[2],
            let height = numbers[3]
        else {
            throw CommandFailure(
                .usage, "--window is \(text), expected four integers x,y,w,h: give first column and row, width, height")
        }
        return FrameWindow(x: x, y: y, width: width, height: height)
    }

    /// Tiles that were decoded, of how many.
    private typealias Tiles = (decoded: Int, count: Int)

    private static func decode(
        _ file: TokenFile, layers: [ArraySlice<UInt8>], window: FrameWindow?, path: String, _ arguments: Arguments
    ) throws(CommandFailure) -> (frame: Frame, tiles: Tiles) {
        let library = try Library(arguments)
        let bundle = try library.bundle(id: file.declaration.firmware)
        let model = try Library.model(bundle)
        var references = try ReferenceFiles(arguments, library)
        let reference = try references.reference(of: file, path: path)
        do {
            let stream = try StreamDescription(file.declaration, profiles: bundle.profiles)
            let decoder = try FrameDecoder(
                model: model, stream: stream, lanes: arguments.integer("lanes") ?? ProcessorCount.available)
            var description = stream.frameDescription(file.metadata)
            guard let window else {
                let samples = try decoder.decode(layers: layers, reference: reference)
                return (try Frame(description: description, samples: samples), (decoder.tileCount, decoder.tileCount))
            }
            let tiles = try decoder.tiles(for: window, layers: layers)
            description.georeference = description.georeference?.moved(x: window.x, y: window.y)
            let samples = try decoder.decode(layers: layers, window: window, reference: reference)
            return (try Frame(description: description, samples: samples), (tiles.count, decoder.tileCount))
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
    }

    private static func report(
        _ file: TokenFile, _ layers: [ArraySlice<UInt8>], _ frame: Frame, _ tiles: Tiles, _ history: String?,
        output: String, _ arguments: Arguments
    ) {
        let used = layers.reduce(0) { $0 + $1.count }
        let samples = frame.samples
        if arguments.flag("json") {
            Terminal.print(
                JSONValue.object([
                    "output": .string(output), "sensor": .string(frame.description.sensor),
                    "shape": .array([samples.bands, samples.rows, samples.columns].map { .integer($0) }),
                    "tiles_decoded": .integer(tiles.decoded), "tiles": .integer(tiles.count),
                    "layers": .integer(layers.count), "token_bytes": .integer(used),
                    "overhead_bytes": .integer(file.overhead), "history": .optional(history),
                    "datetime": .optional(frame.description.datetime?.rfc3339),
                ]).indented)
        } else {
            Terminal.print(
                "\(output): \(samples.bands) x \(samples.rows) x \(samples.columns) \(samples.type.name) from "
                    + "\(layers.count) layers, \(Table.group(used)) octets of tokens, "
                    + "\(tiles.decoded) of \(tiles.count) tiles" + (history.map { ", \($0)" } ?? ""))
        }
    }
}

extension GeoReference {
    /// The same grid, counted from another sample: column `x`, row `y` becomes the first.
    fileprivate func moved(x: Int, y: Int) -> GeoReference {
        var moved = self
        moved.transform[2] += transform[0] * Double(x) + transform[1] * Double(y)
        moved.transform[5] += transform[3] * Double(x) + transform[4] * Double(y)
        return moved
    }
}

import PerigeeCommandLine
import PerigeeConfig
import PerigeeCore
import PerigeeFrameFormat
import PerigeeRaster
import PerigeeTools

/// A frame out of a GeoTIFF, with the profile that fits it.
struct InputFrame {
    var frame: Frame
    /// nil where nobody knows the sensor: the frame travels losslessly.
    var profile: SensorProfile?
    /// What was left out or assumed, for the reader of the report.
    var notes: [String]
    /// The file says something about its time, be it good or not.
    private let saysTime: Bool

    /// Reads the file that the arguments of a command describe.
    init(path: String, _ arguments: Arguments, catalog: SensorCatalog) throws(CommandFailure) {
        if let scale = arguments.number("scale"), scale == 0 {
            throw CommandFailure(
                .usage, "--scale is 0, expected another number: physical value = sample x scale + offset")
        }
        try self.init(
            path: path, sensor: arguments.text("sensor"), scale: arguments.number("scale"),
            offset: arguments.number("offset"), catalog: catalog)
    }

    /// Reads `path`. `sensor` names the profile and must fit; without it the file's own word is translated where one of the
    /// profiles fits all bands.
    ///
    /// `scale` and `offset` (physical value = sample * scale + offset) stand in for the file's own.
    init(
        path: String, sensor: String?, scale: Double? = nil, offset: Double? = nil, catalog: SensorCatalog
    ) throws(CommandFailure) {
        var file: RasterFile
        do { file = try RasterReader.read(path) } catch { throw CommandFailure(error) }
        if scale != nil || offset != nil {
            file.frame.description.scale = scale ?? file.frame.description.scale ?? 1
            file.frame.description.offset = offset ?? file.frame.description.offset ?? 0
        }
        frame = file.frame
        notes = file.notes
        saysTime = ["datetime", "TIFFTAG_DATETIME"].contains { file.metadata[$0] != nil }
        guard let sensor else {
            guess(file, catalog)
            return
        }
        guard let definition = catalog[sensor] else {
            let names = catalog.definitions.map(\.profile.name).sorted().joined(separator: ", ")
            throw CommandFailure(.usage, "--sensor is \"\(sensor)\", expected one of \(names)")
        }
        frame.description.sensor = sensor
        if !file.hasBandNames, definition.profile.bands.count == frame.samples.bands {
            frame.description.bandNames = definition.profile.bands.map(\.name)
            notes.append("the file names no bands: those of \(sensor) are taken, in product order")
        }
        do throws(FormatError) {
            adopt(try catalog.match(frame.description, type: frame.samples.type))
        } catch {
            throw CommandFailure(.data, "\(path): \(error)")
        }
        if !definition.profile.canHold(frame.samples.type, scale: frame.description.scale) {
            notes.append(
                "samples are \(frame.samples.type.name), those of \(sensor) are float32, and nothing says the scale: "
                    + "the frame travels losslessly; give --scale")
        }
    }

    /// Takes the moment of `--datetime`, and names that option where the file's own word was of no use.
    mutating func settleTime(_ arguments: Arguments) {
        if let time = arguments.datetime("datetime") {
            frame.description.datetime = time
        } else if saysTime, frame.description.datetime == nil {
            notes.append("the time stays unknown: give it with --datetime")
        }
    }

    /// Takes the name of `--place`.
    mutating func settlePlace(_ arguments: Arguments) throws(CommandFailure) {
        guard let place = arguments.text("place") else { return }
        guard FrameHeader.isText(place) else {
            throw CommandFailure(
                .usage,
                "--place has \(place.utf8.count) octets, expected 1 to \(DeclarationLimit.text) octets "
                    + "without control characters: give a shorter name")
        }
        frame.description.place = place
    }

    private mutating func guess(_ file: RasterFile, _ catalog: SensorCatalog) {
        let named = frame.description.sensor
        for candidate in [named] + SensorWords.candidates(named) {
            var description = frame.description
            description.sensor = candidate
            guard let known = catalog[candidate]?.profile,
                let match = try? catalog.match(description, type: frame.samples.type)
            else { continue }
            guard known.canHold(frame.samples.type, scale: description.scale) else { continue }
            adopt(match)
            return
        }
        notes.append("the sensor \"\(named)\" has no profile that fits: the frame travels losslessly; see --sensor")
    }

    private mutating func adopt(_ match: SensorCatalog.Match) {
        frame.description = match.description
        profile = match.profile
        // As in frame headers: where the source says nothing of nodata, the profile's holds.
        if frame.description.nodata == nil { frame.description.nodata = match.profile?.nodata }
    }
}

extension SensorProfile {
    /// The peak in samples of a frame that has its own scale: `peak` counts samples under the profile's.
    package func peak(scale frameScale: Double?) -> Double {
        guard let frameScale, frameScale != 0 else { return peak }
        return peak * abs(scale / frameScale)
    }
}

/// What files call sensors, in the words of the profiles.
package enum SensorWords {
    /// Profiles that a free text may mean, best first. Masks, labels and indices mean none.
    package static func candidates(_ text: String) -> [String] {
        let words = text.lowercased()
        let isDerived = ["mask", "probability", "classification", "ndvi", "label", "qa", "harmonized"].contains {
            words.contains($0)
        }
        guard !isDerived else { return [] }
        if words.contains("sentinel-2") { return words.contains("l1c") ? ["sentinel-2-l1c"] : ["sentinel-2-l2a"] }
        let rest = [
            ("landsat-8", "landsat-8-oli"), ("landsat-9", "landsat-8-oli"), ("landsat-7", "landsat-7-etm"),
            ("modis", "modis"), ("naip", "naip"), ("sentinel-1", "sentinel-1"),
        ]
        return rest.filter { words.contains($0.0) }.map(\.1)
    }
}

import FoundationEssentials
import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON
import PerigeeTools

extension SeriesBenchCommand {
    static func run(_ arguments: Arguments) throws -> ExitCode {
        let folder = arguments.positionals[0]
        let library = try Library(arguments)
        let limit = try TokenFileEncoder.Limit(arguments)
        var notes: [String] = []
        let inputs = try inputs(folder, arguments, library, &notes)
        var bench = try SeriesBench(
            library: library, limit: limit, lanes: arguments.integer("lanes") ?? ProcessorCount.available)
        var dates: [SeriesBench.Date] = []
        for (name, input) in inputs {
            do {
                if let date = try bench.add(input, path: name) {
                    dates.append(date)
                } else {
                    notes.append("\(name) is left out: it travels losslessly")
                }
            } catch let error as CodecError {
                guard case .overBudget(_, let smallest) = error else { throw CommandFailure(error, file: name) }
                throw CommandFailure(
                    .budget, "\(name): the smallest possible size is \(smallest) octets: give --bytes \(smallest)")
            }
        }
        guard !dates.isEmpty else {
            for note in notes { Terminal.print("note: \(note)", to: .error) }
            throw CommandFailure(
                .data, "\(folder) holds no GeoTIFF that can be coded: name the folder of a series, and --sensor")
        }
        if arguments.flag("json") {
            Terminal.print(json(dates, notes).indented)
        } else {
            Terminal.write(table(dates).text(isStyled: Terminal.hasColor(.output)))
            Terminal.print(summary(dates))
            for note in notes { Terminal.print("note: \(note)", to: .error) }
        }
        return .ok
    }

    /// The frames in order of time, or of names where no file has a time.
    private static func inputs(
        _ folder: String, _ arguments: Arguments, _ library: Library, _ notes: inout [String]
    ) throws(CommandFailure) -> [(name: String, input: InputFrame)] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw CommandFailure(.unavailable, "\(folder) cannot be read: name a folder of GeoTIFF files")
        }
        let catalog = try library.sensors()
        var found: [(name: String, input: InputFrame)] = []
        for name in names.sorted() where name.hasSuffix(".tif") || name.hasSuffix(".tiff") {
            do throws(CommandFailure) {
                var input = try InputFrame(path: "\(folder)/\(name)", arguments, catalog: catalog)
                try input.settlePlace(arguments)
                found.append((name, input))
            } catch {
                guard error.code == .data else { throw error }
                notes.append("\(name) is left out: \(error.message)")
            }
        }
        let timed = found.filter { $0.input.frame.description.datetime != nil }
        guard !timed.isEmpty else { return found }
        for (name, input) in found where input.frame.description.datetime == nil {
            notes.append("\(name) is left out: it has no time")
        }
        return timed.sorted {
            ($0.input.frame.description.datetime?.milliseconds ?? 0, $0.name)
                < ($1.input.frame.description.datetime?.milliseconds ?? 0, $1.name)
        }
    }

    private static func table(_ dates: [SeriesBench.Date]) -> Table {
        var table = Table([
            ("frame", .left), ("time", .left), ("days", .right), ("octets", .right), ("alone, dB", .right),
            ("with memory", .right), ("gain", .right), ("predicted from", .left),
        ])
        for date in dates {
            table.append([
                date.path, date.time?.rfc3339 ?? "", date.gap.map { Table.number($0, digits: 1) } ?? "",
                Table.group(date.bytes.predicted), decibels(date.psnr.plain), decibels(date.psnr.predicted),
                date.gain.map { Table.number($0, digits: 2) } ?? "",
                date.reference ?? (date.isKey ? "a key" : "none helps"),
            ])
        }
        return table
    }

    private static func decibels(_ value: Double?) -> String { value.map { Table.number($0, digits: 2) } ?? "exact" }

    private static func summary(_ dates: [SeriesBench.Date]) -> String {
        let used = dates.count { $0.reference != nil }
        let mean = Table.number(mean(dates) ?? 0, digits: 2)
        return "\(dates.count) dates, \(used) predicted from an earlier one, mean gain over no memory \(mean) dB"
    }

    /// Over all dates, keys included.
    private static func mean(_ dates: [SeriesBench.Date]) -> Double? {
        let gains = dates.compactMap(\.gain)
        return gains.isEmpty ? nil : gains.reduce(0, +) / Double(gains.count)
    }

    private static func json(_ dates: [SeriesBench.Date], _ notes: [String]) -> JSONValue {
        let entries = dates.map { date in
            JSONValue.object([
                "file": .string(date.path), "datetime": .optional(date.time?.rfc3339), "gap_days": .optional(date.gap),
                "bytes_without": .integer(date.bytes.plain), "bytes_with": .integer(date.bytes.predicted),
                "psnr_without": .optional(date.psnr.plain), "psnr_with": .optional(date.psnr.predicted),
                "gain": .optional(date.gain), "reference": .optional(date.reference), "key": .bool(date.isKey),
            ])
        }
        return .object([
            "dates": .array(entries), "predicted": .integer(dates.count { $0.reference != nil }),
            "mean_gain": .optional(mean(dates)), "notes": .array(notes.map { .string($0) }),
        ])
    }
}

extension SeriesBench.Date {
    /// dB over no memory.
    var gain: Double? {
        guard let plain = psnr.plain, let predicted = psnr.predicted else { return nil }
        return predicted - plain
    }
}

import PerigeeCodec
import PerigeeCommandLine
import PerigeeCore
import PerigeeTools

/// What --lossless and --max-error ask for.
enum Fidelity: Equatable {
    case any, lossless
    case within(Double)
    case byBand([NamedBound])

    struct NamedBound: Equatable {
        let band: String
        let bound: Double
    }

    init(_ arguments: Arguments) throws(CommandFailure) {
        switch (arguments.flag("lossless"), arguments.text("max-error")) {
        case (true, .some):
            throw CommandFailure(.usage, "--lossless and --max-error exclude each other: give one of them")
        case (true, nil): self = .lossless
        case (false, nil): self = .any
        case (false, .some(let text)): self = try Self.parse(text)
        }
    }

    private static func parse(_ text: String) throws(CommandFailure) -> Fidelity {
        if let bound = Double(text) { return .within(bound) }
        var bounds: [NamedBound] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let bound = Double(parts[1]) else {
                throw CommandFailure(
                    .usage, "--max-error is \(text), expected a number or BAND=E,...: correct \"\(item)\"")
            }
            guard !bounds.contains(where: { $0.band == parts[0] }) else {
                throw CommandFailure(.usage, "--max-error names band \(parts[0]) twice: keep one")
            }
            bounds.append(NamedBound(band: String(parts[0]), bound: bound))
        }
        return .byBand(bounds)
    }

    func bound(of stream: StreamDescription) throws(CodecError) -> ErrorBound? {
        switch self {
        case .any: nil
        case .lossless: .lossless
        case .within(let bound): .uniform(bound)
        case .byBand(let list): try .named(list.map { ($0.band, $0.bound) }, of: stream)
        }
    }
}

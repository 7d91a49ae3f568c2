import PerigeeCommandLine
import PerigeeCore
import PerigeeJSON

/// The status of a station or a gateway, version 2 (Docs/status.md), with what every reader of it asks.
struct StatusDocument {
    static let version = 2

    enum Health: String {
        case ok, degraded, failing

        var exitCode: ExitCode {
            switch self {
            case .ok: .ok
            case .degraded: .differs
            case .failing: .failing
            }
        }

        var style: Style {
            switch self {
            case .ok: .green
            case .degraded: .yellow
            case .failing: .red
            }
        }
    }

    struct Alert {
        var name: String
        var severity: String
        var since: Timestamp?
        var text: String
        var remedy: String
    }

    let json: JSONValue
    let health: Health
    let state: String

    /// Refuses what is no status, or one of another version.
    init(_ json: JSONValue, from source: String) throws(CommandFailure) {
        guard let version = json["v"]?.int, let state = json["state"]?.string else {
            throw CommandFailure(.data, "\(source) is no status of a Perigee daemon: check the address")
        }
        guard version == Self.version, let health = json["health"]?.string.flatMap(Health.init) else {
            throw CommandFailure(
                .data,
                "v of \(source) is \(version), must be \(Self.version): use the `perigee` of the daemon's own package")
        }
        self.json = json
        self.health = health
        self.state = state
    }

    var isGateway: Bool { json["stations"] != nil }
    var name: String { json["station"]?.string ?? "gateway" }
    var updated: Timestamp? { time("updated") }
    var processID: Int32? { json["pid"]?.int.flatMap { Int32(exactly: $0) }.flatMap { $0 > 1 ? $0 : nil } }

    var alerts: [Alert] {
        json["alerts"]?.items.map { alert in
            Alert(
                name: alert["name"]?.string ?? "", severity: alert["severity"]?.string ?? "",
                since: alert["since"]?.string.flatMap { Timestamp(rfc3339: $0) }, text: alert["text"]?.string ?? "",
                remedy: alert["remedy"]?.string ?? "")
        } ?? []
    }

    /// A moment at a path of names.
    func time(_ path: String...) -> Timestamp? { at(path)?.string.flatMap { Timestamp(rfc3339: $0) } }

    func integer(_ path: String...) -> Int? { at(path)?.int }

    func number(_ path: String...) -> Double? { at(path)?.double }

    func text(_ path: String...) -> String? { at(path)?.string }

    private func at(_ path: [String]) -> JSONValue? {
        var value: JSONValue? = json
        for name in path { value = value?[name] }
        return value
    }
}

extension JSONValue {
    /// Elements of an array; none of anything else.
    var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }

    /// Members of an object in their order; none of anything else.
    var members: [Member] { if case .object(let members) = self { members } else { [] } }
}

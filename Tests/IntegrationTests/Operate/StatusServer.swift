import Foundation
import PerigeeConcurrency
import PerigeeHTTP
import PerigeeJSON
import PerigeeTestSupport
import Testing

/// Serves documents of a test over the daemons' own HTTP server, on a free port of this machine.
final class StatusServer {
    private let server: HTTPServer
    private let documents = Locked<[String: String]>([:])

    /// `http://127.0.0.1:PORT`.
    var url: String { "http://\(server.endpoint)" }

    /// `token`: a file that holds what requests must bring.
    init(token: String? = nil) throws {
        let address = try #require(HTTPAddress("127.0.0.1:0"))
        let configuration = try HTTPServer.Configuration(
            address: address, token: token.map { try HTTPToken(path: $0) })
        let documents = documents
        server = try HTTPServer(configuration, progress: LoopProgress("http", patienceSeconds: 60)) { request in
            guard let text = documents.withLock({ $0[request.path] }) else { return .notFound }
            return .json(text)
        }
    }

    func serve(_ path: String, _ text: String) { documents.withLock { $0[path] = text } }
}

/// The examples of Docs/status.md, which are what readers are made for.
enum StatusExamples {
    static func station() throws -> JSONValue { try example(0) }

    static func gateway() throws -> JSONValue { try example(1) }

    /// The document's blocks of JSON in their order.
    static func example(_ index: Int) throws -> JSONValue {
        let page = try String(contentsOfFile: SharedData.packageRoot + "/Docs/status.md", encoding: .utf8)
        let blocks = page.components(separatedBy: "```json\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        let value = try JSONValue(parsing: Array(try #require(blocks.dropFirst(index).first).utf8)[...], depthLimit: 16)
        return value
    }
}

extension JSONValue {
    /// The same with one member changed, by its path.
    func with(_ path: [String], _ value: JSONValue) -> JSONValue {
        guard let name = path.first, case .object(let members) = self else { return value }
        return .object(
            members.map { member in
                member.name == name
                    ? Member(name, member.value.with(Array(path.dropFirst()), value)) : member
            })
    }
}

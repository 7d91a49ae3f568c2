import Glibc
import PerigeeLink
import PerigeeService
import PerigeeTransport

/// What a server answered.
struct HTTPAnswer: Equatable {
    var code: Int
    var body: [UInt8]
}

/// Why there is no answer; the text ends with the remedy.
enum HTTPError: Error, Equatable, CustomStringConvertible {
    /// Nobody listens there.
    case refused
    case unreachable(String)
    case timeout(seconds: Int)
    case tooLarge(limit: Int)
    case malformed(String)

    var description: String {
        switch self {
        case .refused: "nothing listens there: start the daemon, or check the address"
        case .unreachable(let reason): "cannot be reached: \(reason): check the address"
        case .timeout(let seconds): "no answer within \(seconds) s: try again, or look at the daemon's log"
        case .tooLarge(let limit): "the answer has more than \(limit) octets: another program listens there"
        case .malformed(let what): "the answer is no HTTP, \(what): another program listens there"
        }
    }
}

/// One GET over HTTP/1.1 to one of our daemons: its answers come whole, with their length, and the connection ends with them.
enum HTTPClient {
    static let timeoutSeconds = 5
    private static let headLimit = 16 << 10

    /// The answer to `GET path`; nothing is followed, and no other encoding than plain is taken.
    static func get(
        _ address: HTTPAddress, path: String, token: String?, bodyLimit: Int = 8 << 20
    ) throws(HTTPError) -> HTTPAnswer {
        let deadline = currentTime().monotonic + Int64(timeoutSeconds) * 1_000
        let connection = try Connection(address, deadline: deadline)
        var request = "GET \(path) HTTP/1.1\r\nHost: \(address.authority)\r\nAccept: application/json\r\n"
        if let token { request += "Authorization: Bearer \(token)\r\n" }
        try connection.send(Array((request + "Connection: close\r\n\r\n").utf8))
        return try read(connection, bodyLimit: bodyLimit)
    }

    private static func read(_ connection: borrowing Connection, bodyLimit: Int) throws(HTTPError) -> HTTPAnswer {
        var octets: [UInt8] = []
        var head: HTTPHead?
        while true {
            if head == nil, let end = HTTPHead.end(of: octets) {
                let parsed = try HTTPHead(octets[..<end])
                head = parsed
                octets.removeSubrange(..<end)
                guard parsed.length ?? 0 <= bodyLimit else { throw .tooLarge(limit: bodyLimit) }
            }
            if let head, let length = head.length, octets.count >= length {
                return HTTPAnswer(code: head.code, body: Array(octets.prefix(length)))
            }
            guard octets.count <= (head == nil ? headLimit : bodyLimit) else {
                throw .tooLarge(limit: head == nil ? headLimit : bodyLimit)
            }
            let more = try connection.receive()
            if more.isEmpty {
                // without a length the end of the connection is the end of the body
                if let head, head.length == nil { return HTTPAnswer(code: head.code, body: octets) }
                throw .malformed("it ends after \(octets.count) octets")
            }
            octets += more
        }
    }
}

/// Status line and headers of an answer.
struct HTTPHead: Equatable {
    var code: Int
    /// Octets of the body, where the server says so.
    var length: Int?

    /// Behind the empty line; nil where it has not come.
    static func end(of octets: [UInt8]) -> Int? {
        guard octets.count >= 4 else { return nil }
        for index in 3..<octets.count
        where octets[index] == 0x0A && octets[index - 1] == 0x0D && octets[index - 2] == 0x0A {
            return index + 1
        }
        return nil
    }

    init(_ octets: ArraySlice<UInt8>) throws(HTTPError) {
        let lines = octets.split(separator: 0x0A).map { line in
            String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
        }
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].count == 3, let code = Int(words[1]) else {
            throw .malformed("it has no status line")
        }
        self.code = code
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            switch line[..<colon].lowercased() {
            case "content-length":
                guard let length = Int(value), length >= 0, self.length ?? length == length else {
                    throw .malformed("its length is \"\(LogText.escaped(String(value)))\"")
                }
                self.length = length
            case "transfer-encoding": throw .malformed("it comes in pieces, which our daemons never do")
            default: break
            }
        }
    }
}

/// A TCP connection with a deadline for everything.
private struct Connection: ~Copyable {
    private let descriptor: Int32
    private let deadline: Int64

    /// Tries every address of the host.
    init(_ address: HTTPAddress, deadline: Int64) throws(HTTPError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let answer = getaddrinfo(address.host, String(address.port), &hints, &found)
        guard answer == 0, let first = found else {
            throw .unreachable(answer == 0 ? "it has no address" : String(cString: gai_strerror(answer)))
        }
        defer { freeaddrinfo(first) }
        var problem = HTTPError.refused
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let candidate = next?.pointee {
            next = candidate.ai_next
            let handle = socket(
                candidate.ai_family,
                candidate.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
                    | Int32(SOCK_NONBLOCK.rawValue), candidate.ai_protocol)
            guard handle >= 0 else { continue }
            var code: Int32 = 0
            if connect(handle, candidate.ai_addr, candidate.ai_addrlen) != 0 {
                code = errno == EINPROGRESS ? Self.outcome(handle, deadline) : errno
            }
            if code == 0 {
                descriptor = handle
                self.deadline = deadline
                return
            }
            close(handle)
            problem =
                switch code {
                case ECONNREFUSED: .refused
                case ETIMEDOUT: .timeout(seconds: HTTPClient.timeoutSeconds)
                default: .unreachable(String(cString: strerror(code)))
                }
        }
        throw problem
    }

    deinit { close(descriptor) }

    /// What became of a connection that was begun.
    private static func outcome(_ handle: Int32, _ deadline: Int64) -> Int32 {
        guard wait(handle, Int16(POLLOUT), deadline) else { return ETIMEDOUT }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(handle, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }

    /// False where the time is over.
    private static func wait(_ handle: Int32, _ events: Int16, _ deadline: Int64) -> Bool {
        while true {
            let left = deadline - currentTime().monotonic
            guard left > 0 else { return false }
            var entry = pollfd(fd: handle, events: events, revents: 0)
            let count = poll(&entry, 1, Int32(clamping: left))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return true }
        }
    }

    borrowing func send(_ octets: [UInt8]) throws(HTTPError) {
        var rest = octets[...]
        while !rest.isEmpty {
            guard Self.wait(descriptor, Int16(POLLOUT), deadline) else {
                throw .timeout(seconds: HTTPClient.timeoutSeconds)
            }
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                throw .unreachable(String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Some octets; none at the end.
    borrowing func receive() throws(HTTPError) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            guard Self.wait(descriptor, Int16(POLLIN), deadline) else {
                throw .timeout(seconds: HTTPClient.timeoutSeconds)
            }
            let count = recv(descriptor, &octets, octets.count, 0)
            if count >= 0 { return Array(octets.prefix(count)) }
            if errno == EINTR || errno == EAGAIN { continue }
            throw .unreachable(String(cString: strerror(errno)))
        }
    }
}

/// What is asked. Only requests that may pass reach a handler.
public struct HTTPRequest: Equatable, Sendable {
    /// Without the query.
    public var path: String
    /// The whole number `?after=` gives; nil without one.
    public var after: Int?
    /// The header `Accept`.
    public var accept: String?

    /// See the properties.
    public init(path: String, after: Int? = nil, accept: String? = nil) {
        self.path = path
        self.after = after
        self.accept = accept
    }
}

/// What is answered.
public struct HTTPResponse: Equatable, Sendable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// Nothing may be loaded, run or framed, unless a page says what it needs.
    public var contentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'"
    var headers: [(name: String, value: String)] = []

    /// See the properties.
    public init(status: Int = 200, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// JSON text.
    public static func json(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, contentType: "application/json", body: Array((text + "\n").utf8))
    }

    /// There is nothing of that name.
    public static let notFound = HTTPResponse.error(404, "there is nothing here: / names the pages")

    /// A fixed text about what was wrong; nothing of the request is repeated in it.
    static func error(_ status: Int, _ text: String) -> HTTPResponse { json("{\"error\":\"\(text)\"}", status: status) }

    public static func == (left: HTTPResponse, right: HTTPResponse) -> Bool {
        left.status == right.status && left.contentType == right.contentType && left.body == right.body
            && left.contentSecurityPolicy == right.contentSecurityPolicy
    }
}

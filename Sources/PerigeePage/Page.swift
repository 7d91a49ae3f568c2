import PerigeeFirmware

/// One page, put together from its parts: a single HTML file with its style and script inside, and the policy that goes with it.
struct Page: Sendable {
    let html: [UInt8]
    let contentSecurityPolicy: String

    /// `template` has one line with each of `<!--marks-->`, `/*style*/` and `/*script*/`; each stands for the parts given here.
    init(template: [UInt8], marks: [UInt8], styles: [[UInt8]], scripts: [[UInt8]]) {
        let style = Array(styles.joined())
        let script = Array(scripts.joined())
        var html = Self.replace("<!--marks-->", in: template, by: marks)
        html = Self.replace("/*style*/", in: html, by: style)
        self.html = Self.replace("/*script*/", in: html, by: script)
        // A browser hashes what stands between the tags, so the templates have nothing else there. `img-src data:` is for the
        // icon in the page's head.
        contentSecurityPolicy = [
            "default-src 'none'", "script-src '\(Self.source(script))'", "style-src '\(Self.source(style))'",
            "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            "require-trusted-types-for 'script'", "trusted-types 'none'",
        ].joined(separator: "; ")
    }

    /// A hash as the policy writes it.
    private static func source(_ text: [UInt8]) -> String { "sha256-\(Base64.text(SHA256.digest(text)))" }

    private static func replace(_ marker: String, in text: [UInt8], by octets: [UInt8]) -> [UInt8] {
        let marker = Array(marker.utf8)
        let places = text.indices.filter { text[$0...].starts(with: marker) }
        guard let place = places.first, places.count == 1 else {
            let name = String(decoding: marker, as: UTF8.self)
            fatalError("a page's template must have \(name) once, not \(places.count) times")
        }
        return Array(text[..<place]) + octets + Array(text[(place + marker.count)...])
    }
}

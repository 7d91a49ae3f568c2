import PerigeeFirmware
import PerigeePage
import Testing

@Suite struct PageTests {
    enum Kind: CaseIterable, Sendable {
        case station
        case gateway

        var text: String { String(decoding: self == .station ? StationPage.html : GatewayPage.html, as: UTF8.self) }

        var policy: String {
            self == .station ? StationPage.contentSecurityPolicy : GatewayPage.contentSecurityPolicy
        }
    }

    /// What stands between the first `opening` and the `closing` behind it.
    private func content(of text: String, from opening: String, to closing: String) throws -> String {
        let start = try #require(text.firstRange(of: opening)).upperBound
        let end = try #require(text[start...].firstRange(of: closing)).lowerBound
        return String(text[start..<end])
    }

    @Test(
        "the policy allows the page's own style and script, by the hash that a browser computes",
        arguments: Kind.allCases)
    func hashes(page: Kind) throws {
        let text = page.text
        for (directive, tag) in [("script-src", "script"), ("style-src", "style")] {
            let inner = try content(of: text, from: "<\(tag)>", to: "</\(tag)>")
            let hash = Base64.text(SHA256.digest(Array(inner.utf8)))
            #expect(page.policy.contains("\(directive) 'sha256-\(hash)';"))
        }
    }

    @Test("nothing is allowed that the page does not need", arguments: Kind.allCases)
    func policy(page: Kind) {
        #expect(page.policy.hasPrefix("default-src 'none'; "))
        for word in ["unsafe-inline", "unsafe-eval", "*", "http:", "https:"] {
            #expect(!page.policy.contains(word), "\(word)")
        }
        for directive in ["connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
            #expect(page.policy.contains(directive))
        }
    }

    @Test("a page is one file: one style, one script, nothing from elsewhere", arguments: Kind.allCases)
    func selfContained(page: Kind) {
        let text = page.text
        #expect(text.hasPrefix("<!doctype html>"))
        for marker in ["<style>", "</style>", "<script>", "</script>"] {
            #expect(text.ranges(of: marker).count == 1, "\(marker)")
        }
        for marker in ["<!--marks-->", "/*style*/", "/*script*/", " src=", "@import", "url(", "stylesheet"] {
            #expect(!text.contains(marker), "\(marker)")
        }
        // a namespace is a name and no address that is asked
        #expect(
            text.replacing("http://www.w3.org/2000/svg", with: "").ranges(of: "://").isEmpty)
    }

    @Test("no script writes markup: outside texts go in as text alone", arguments: Kind.allCases)
    func textOnly(page: Kind) {
        let text = page.text
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            #expect(!text.contains(word), "\(word)")
        }
    }

    @Test(
        "Base64 of RFC 4648, section 10",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func base64(text: String, expected: String) {
        #expect(Base64.text(Array(text.utf8)) == expected)
    }
}

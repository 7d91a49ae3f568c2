/// The page of a gateway: all stations, wants, firmware offers, keys. It reads `status.json` and `events.json` of the server that
/// it came from (Docs/status.md), and nothing else.
public enum GatewayPage {
    private static let page = Page(
        template: Parts.gatewayTemplate, marks: Parts.marks, styles: [Parts.styles],
        scripts: Parts.scripts + [Parts.gatewayScript])

    /// The whole page, UTF-8, some 40 KiB; made at the first use.
    public static var html: [UInt8] { page.html }

    /// The value of its `Content-Security-Policy` header.
    public static var contentSecurityPolicy: String { page.contentSecurityPolicy }
}

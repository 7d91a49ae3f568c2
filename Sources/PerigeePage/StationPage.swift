/// The page of a station: what it saves, what waits, what is wrong. It reads `status.json`, `saving.json`, `events.json` and
/// quick-looks of the server that it came from (Docs/status.md), and nothing else.
public enum StationPage {
    private static let page = Page(
        template: Parts.stationTemplate, marks: Parts.marks, styles: [Parts.styles, Parts.stationStyle],
        scripts: Parts.scripts + Parts.stationScripts)

    /// The whole page, UTF-8, some 60 KiB; made at the first use.
    public static var html: [UInt8] { page.html }

    /// The value of its `Content-Security-Policy` header.
    public static var contentSecurityPolicy: String { page.contentSecurityPolicy }
}

import CPerigeePage

/// What alerts mean and what is to be done: the pages of Docs/runbook, there also where no documentation can be reached.
public enum Runbook {
    /// Markdown by the name of its alert, UTF-8.
    private static let pages: [String: [UInt8]] = Dictionary(
        uniqueKeysWithValues: (0..<perigee_runbook_count()).map { index in
            let runbook = perigee_runbook_at(index)
            return (String(cString: runbook.name), Parts.octets(runbook.text))
        })

    /// The page of an alert; nil where there is none.
    public static func page(_ name: String) -> [UInt8]? { pages[name] }
}

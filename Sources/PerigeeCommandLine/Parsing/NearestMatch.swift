/// Finds what somebody may have meant.
enum NearestMatch {
    /// The candidate that needs the fewest edits to become `text`, where that is at most a third of its letters.
    static func find(_ text: String, among candidates: [String]) -> String? {
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = editDistance(Array(text.utf8), Array(candidate.utf8))
            let isPrefix = text.utf8.count >= 3 && candidate.hasPrefix(text)
            let cost = isPrefix ? 1 : distance
            guard cost <= max(1, candidate.utf8.count / 3), cost < best?.distance ?? Int.max else { continue }
            best = (candidate, cost)
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours; texts are cut at 64 octets.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let left = left.prefix(64).map { $0 }
        let right = right.prefix(64).map { $0 }
        var rows = [Array(0...right.count)]
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}

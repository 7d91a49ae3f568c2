import PerigeeCommandLine
import PerigeeJSON

/// What one look of `perigee doctor` found, and what to do about it.
struct Finding: Equatable {
    enum Verdict: String {
        /// As it should be.
        case good
        /// Could not be looked at: by whom else, or with what, is in the remedy.
        case unknown
        /// Works, and will hurt some day.
        case warning
        /// Does not work.
        case bad

        var style: Style {
            switch self {
            case .good: .green
            case .unknown: .dim
            case .warning: .yellow
            case .bad: .red
            }
        }
    }

    /// What was looked at, in one word: `clock`.
    let subject: String
    let verdict: Verdict
    /// What was found, with its figure.
    let text: String
    /// What to do; nil where all is good.
    let remedy: String?

    static func good(_ subject: String, _ text: String) -> Finding {
        Finding(subject: subject, verdict: .good, text: text, remedy: nil)
    }

    static func unknown(_ subject: String, _ text: String, _ remedy: String) -> Finding {
        Finding(subject: subject, verdict: .unknown, text: text, remedy: remedy)
    }

    static func warning(_ subject: String, _ text: String, _ remedy: String) -> Finding {
        Finding(subject: subject, verdict: .warning, text: text, remedy: remedy)
    }

    static func bad(_ subject: String, _ text: String, _ remedy: String) -> Finding {
        Finding(subject: subject, verdict: .bad, text: text, remedy: remedy)
    }

    var json: JSONValue {
        .object([
            "subject": .string(subject), "verdict": .string(verdict.rawValue), "text": .string(text),
            "remedy": .optional(remedy),
        ])
    }
}

extension [Finding] {
    /// 2 with something bad, 1 with a warning. What could not be looked at is nothing wrong.
    var exitCode: ExitCode {
        if contains(where: { $0.verdict == .bad }) { return .failing }
        return contains { $0.verdict == .warning } ? .differs : .ok
    }
}

/// A moment in UTC, in milliseconds since 1970-01-01T00:00:00Z. Finer digits of a given time are cut, never rounded up.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
    public let milliseconds: Int64

    /// A moment from milliseconds since 1970.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Parses an RFC 3339 date and time such as `2018-08-04T10:46:29.024Z` or one with an offset such as `+02:00`; nil where it is none.
    public init?(rfc3339 text: String) {
        let octets = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= octets.count else { return nil }
            var value = 0
            for octet in octets[range] {
                guard (0x30...0x39).contains(octet) else { return nil }
                value = value * 10 + Int(octet - 0x30)
            }
            return value
        }
        func has(_ character: Character, at index: Int) -> Bool {
            index < octets.count && octets[index] == character.asciiValue
        }
        guard let year = number(0..<4), has("-", at: 4), let month = number(5..<7), has("-", at: 7),
            let day = number(8..<10), has("T", at: 10) || has("t", at: 10) || has(" ", at: 10),
            let hour = number(11..<13), has(":", at: 13), let minute = number(14..<16), has(":", at: 16),
            let second = number(17..<19), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        var index = 19
        var fraction = 0
        if has(".", at: index) {
            index += 1
            var scale = 100
            let start = index
            while index < octets.count, (0x30...0x39).contains(octets[index]) {
                fraction += Int(octets[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
            guard index > start else { return nil }
        }
        var offsetMinutes = 0
        if has("Z", at: index) || has("z", at: index) {
            index += 1
        } else if has("+", at: index) || has("-", at: index) {
            guard let hours = number(index + 1..<index + 3), has(":", at: index + 3),
                let minutes = number(index + 4..<index + 6), hours < 24, minutes < 60
            else { return nil }
            offsetMinutes = (hours * 60 + minutes) * (has("-", at: index) ? -1 : 1)
            index += 6
        } else {
            return nil
        }
        guard index == octets.count else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        guard Self.date(days: days) == (year, month, day) else { return nil }
        let seconds = Int64(days) * 86_400 + Int64(hour * 3_600 + (minute - offsetMinutes) * 60 + second)
        milliseconds = seconds * 1_000 + Int64(fraction)
    }

    /// RFC 3339 text in UTC, with three digits of fraction where they are not zero.
    public var rfc3339: String {
        let seconds = milliseconds.flooredQuotient(by: 1_000)
        let fraction = Int(milliseconds - seconds * 1_000)
        let days = seconds.flooredQuotient(by: 86_400)
        let rest = Int(seconds - days * 86_400)
        let (year, month, day) = Self.date(days: Int(days))
        func pad(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let clock = "\(pad(rest / 3_600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
        let tail = fraction == 0 ? "" : ".\(pad(fraction, 3))"
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(clock)\(tail)Z"
    }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible date algorithms").
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex + (monthIndex < 10 ? 3 : -9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self - divisor + 1) / divisor
    }
}

import Foundation

/// JSON as STAC items are made of it.
indirect enum STACValue: Encodable, Equatable {
    case null
    case text(String)
    case number(Double)
    case integer(Int)
    case list([STACValue])
    case object([String: STACValue])

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .text(let text): try container.encode(text)
        // JSON has no NaN and no infinities.
        case .number(let number) where !number.isFinite: try container.encodeNil()
        case .number(let number): try container.encode(number)
        case .integer(let integer): try container.encode(integer)
        case .list(let list): try container.encode(list)
        case .object(let object): try container.encode(object)
        }
    }

    static func numbers(_ numbers: [Double]) -> STACValue { .list(numbers.map(STACValue.number)) }
    static func integers(_ integers: [Int]) -> STACValue { .list(integers.map(STACValue.integer)) }
    static func texts(_ texts: [String]) -> STACValue { .list(texts.map(STACValue.text)) }

    /// What stands before the colon of a key, anywhere in the value.
    var prefixes: Set<String> {
        switch self {
        case .null, .text, .number, .integer: []
        case .list(let list): list.reduce(into: []) { $0.formUnion($1.prefixes) }
        case .object(let object):
            object.reduce(into: []) { found, member in
                if let colon = member.key.firstIndex(of: ":") { found.insert(String(member.key[..<colon])) }
                found.formUnion(member.value.prefixes)
            }
        }
    }

    /// Octets with sorted keys: the same value, the same octets.
    func packed() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [0x0A]
    }
}

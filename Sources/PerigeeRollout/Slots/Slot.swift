/// One of the two places where an installed bundle lies.
public enum Slot: String, CaseIterable, Sendable {
    case a
    case b

    var other: Slot { self == .a ? .b : .a }
}

/// Where the bundle lies that a station uses.
public enum BundleSource: Hashable, Sendable {
    /// The one that came with the program, at a path of the configuration.
    case package
    case slot(Slot)

    /// As states and reports spell it.
    public var text: String {
        switch self {
        case .package: "package"
        case .slot(let slot): slot.rawValue
        }
    }

    init?(_ text: String) {
        if text == "package" {
            self = .package
        } else if let slot = Slot(rawValue: text) {
            self = .slot(slot)
        } else {
            return nil
        }
    }
}

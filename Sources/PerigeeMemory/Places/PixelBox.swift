/// A rectangle of whole pixels of a plane.
struct PixelBox: Equatable, Sendable {
    var left: Int
    var top: Int
    var columns: Int
    var rows: Int

    var right: Int { left + columns }
    var bottom: Int { top + rows }
    var area: Int { rows * columns }

    /// Pixels that both have.
    func overlap(_ other: PixelBox) -> Int {
        max(min(right, other.right) - max(left, other.left), 0)
            * max(min(bottom, other.bottom) - max(top, other.top), 0)
    }
}

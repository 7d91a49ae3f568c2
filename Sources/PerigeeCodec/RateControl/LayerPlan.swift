/// Shares the budgets of a frame's layers among its tiles: all tiles are cut at the same position of the sequence of passes
/// and sub-bands, which is the order of falling slope; what is left goes into the next position, in proportion to what that
/// position takes. Source: Docs/packet-format.md section 5.9 (lengths only; the rule is the encoder's own).
struct LayerPlan {
    let tiles: [TileStream]
    /// Sub-bands and passes of a tile behind each other.
    let positions: Int
    let headSize: Int

    /// What the planning found.
    enum Outcome: Equatable {
        /// Cumulative octets of every tile, one row a layer; `first` is the layer that begins with the head.
        case lengths([[Int]], first: Int)
        /// These tiles must be coded further before one can say.
        case needs([Int])
        /// The last budget holds less than head and masks.
        case tooSmall
    }

    /// Least octets of the frame: head and masks.
    var smallestSize: Int {
        let lengths = tiles.map(\.maskSize)
        return headSize + cost(from: [Int](repeating: 0, count: tiles.count), to: lengths)
    }

    /// Cumulative lengths that meet the cumulative budgets.
    func plan(budgets: [Int]) -> Outcome {
        var rows: [[Int]] = []
        var lengths = [Int](repeating: 0, count: tiles.count)
        var spent = 0
        var first = 0
        let smallest = smallestSize
        for (layer, budget) in budgets.enumerated() {
            guard spent > 0 || budget >= smallest else {
                if layer == budgets.count - 1 { return .tooSmall }
                rows.append(lengths)
                first = layer + 1
                continue
            }
            if spent == 0 { spent = headSize }
            let floor = zip(lengths, tiles).map { max($0, $1.maskSize) }
            switch extend(lengths, floor: floor, room: budget - spent) {
            case .lengths(let extended):
                spent += cost(from: lengths, to: extended)
                lengths = extended
            case .needs(let needy): return .needs(needy)
            }
            rows.append(lengths)
        }
        return .lengths(rows, first: first)
    }

    private enum Extension {
        case lengths([Int])
        case needs([Int])
    }

    /// One layer: as far from `before` as `room` octets go, at least to `floor`.
    private func extend(_ before: [Int], floor: [Int], room: Int) -> Extension {
        guard cost(from: before, to: floor) <= room else { return .lengths(before) }
        if tiles.count == 1 {
            return .lengths([max(floor[0], min(before[0] + room, tiles[0].octets.count))])
        }
        let lengths = { (position: Int) in zip(floor, tiles).map { max($0, $1.end(position).size) } }
        // The last position that fits: sizes never fall along the sequence.
        var (fits, fails) = (-1, positions)
        if cost(from: before, to: lengths(positions - 1)) <= room { fits = positions - 1 }
        while fails - fits > 1, fits < positions - 1 {
            let middle = (fits + fails) / 2
            if cost(from: before, to: lengths(middle)) <= room { fits = middle } else { fails = middle }
        }
        let next = min(fits + 1, positions - 1)
        let needy = tiles.indices.filter { !tiles[$0].end(next).isExact }
        guard needy.isEmpty else { return .needs(needy) }
        var base = lengths(fits)
        // An exhausted tile has a few octets behind its last position.
        let goal = fits == positions - 1 ? zip(base, tiles).map { max($0, $1.octets.count) } : lengths(next)
        if cost(from: before, to: goal) <= room { return .lengths(goal) }
        share(&base, goal: goal, before: before, room: room)
        return .lengths(base)
    }

    /// Moves `lengths` towards `goal` as far as `room` allows.
    private func share(_ lengths: inout [Int], goal: [Int], before: [Int], room: Int) {
        let start = lengths
        let steps = 1 << 20
        let moved = { (part: Int) in
            zip(start, goal).map { $0 + Int((Int64($1 - $0) * Int64(part)) / Int64(steps)) }
        }
        var (fits, fails) = (0, steps)
        while fails - fits > 1 {
            let middle = (fits + fails) / 2
            if cost(from: before, to: moved(middle)) <= room { fits = middle } else { fails = middle }
        }
        lengths = moved(fits)
        var spent = cost(from: before, to: lengths)
        for index in lengths.indices where lengths[index] < goal[index] && spent < room {
            lengths[index] += 1
            let tried = cost(from: before, to: lengths)
            if tried > room { lengths[index] -= 1 } else { spent = tried }
        }
    }

    /// Octets of a layer that takes the tiles from one row of lengths to another, its table included.
    func cost(from before: [Int], to after: [Int]) -> Int {
        var size = 0
        for (start, end) in zip(before, after) where end > start {
            size += end - start
            if tiles.count > 1 { size += LayerTable.varintSize(end - start) }
        }
        return size > 0 && tiles.count > 1 ? size + LayerTable.bitmapSize(tiles.count) : size
    }
}

/// Shares the budgets of a frame's layers among its tiles: all tiles are cut at the same position of the sequence of passes
/// and sub-bands, which is the order of falling slope; what is left goes into the next position, in proportion to what that
/// position takes. Source: Docs/packet-format.md section 5.9 (lengths only; the rule is the encoder's own).
struct LayerPlan {
    let tiles: [TileStream]
    /// Sub-bands and passes of a tile behind each other.
    let positions: Int
    let headSize: Int
    var records = TileRecords.none

    /// Cumulative octets of every tile's stream, one row a layer.
    struct Lengths: Equatable {
        var rows: [[Int]] = []
        /// The layer that begins with the head.
        var first = 0
        /// Layers without anything, since they have no room for the records of the tiles.
        var skipped: Set<Int> = []
        /// Whether all that the records announce is in them.
        var isComplete = true
    }

    /// What the planning found.
    enum Outcome: Equatable {
        case lengths(Lengths)
        /// These tiles must be coded further before one can say.
        case needs([Int])
        /// The last budget holds less than head and masks.
        case tooSmall
    }

    /// Least octets of the frame: head and masks.
    var smallestSize: Int {
        let lengths = tiles.map(\.maskSize)
        let none = [Int](repeating: 0, count: tiles.count)
        return headSize + cost(from: none, to: lengths, beginnings: beginnings(records.start, layer: 0))
    }

    /// Cumulative lengths that meet the cumulative budgets.
    func plan(budgets: [Int]) -> Outcome {
        var plan = Lengths()
        var lengths = [Int](repeating: 0, count: tiles.count)
        var sent = records.start
        var spent = 0
        let smallest = smallestSize
        for (layer, budget) in budgets.enumerated() {
            guard spent > 0 || budget >= smallest else {
                if layer == budgets.count - 1 { return .tooSmall }
                plan.rows.append(lengths)
                plan.first = layer + 1
                continue
            }
            if spent == 0 { spent = headSize }
            let floor = zip(lengths, tiles).map { max($0, $1.maskSize) }
            let beginnings = beginnings(sent, layer: layer)
            switch extend(lengths, floor: floor, room: budget - spent, beginnings: beginnings) {
            case .lengths(let extended):
                spent += cost(from: lengths, to: extended, beginnings: beginnings)
                for tile in sent.indices where extended[tile] > 0 { sent[tile] = layer + 1 }
                lengths = extended
            case .skipped: plan.skipped.insert(layer)
            case .needs(let needy): return .needs(needy)
            }
            plan.rows.append(lengths)
        }
        plan.isComplete = records.isComplete(sent)
        return .lengths(plan)
    }

    /// Octets that stand before each tile's stream in a layer, if the tile has any.
    private func beginnings(_ sent: [Int], layer: Int) -> [Int] {
        sent.isEmpty
            ? [Int](repeating: 0, count: tiles.count)
            : sent.indices.map { records.size($0, sent: sent, layer: layer) }
    }

    private enum Extension {
        case lengths([Int])
        case skipped
        case needs([Int])
    }

    /// One layer: as far from `before` as `room` octets go, at least to `floor`.
    private func extend(_ before: [Int], floor: [Int], room: Int, beginnings: [Int]) -> Extension {
        let cost = { (end: [Int]) -> Int in self.cost(from: before, to: end, beginnings: beginnings) }
        guard cost(floor) <= room else { return cost(before) <= room ? .lengths(before) : .skipped }
        if tiles.count == 1 {
            let most = before[0] + room - beginnings[0]
            return .lengths([max(floor[0], min(most, tiles[0].octets.count))])
        }
        let lengths = { (position: Int) in zip(floor, tiles).map { max($0, $1.end(position).size) } }
        // The last position that fits: sizes never fall along the sequence.
        var (fits, fails) = (-1, positions)
        if cost(lengths(positions - 1)) <= room { fits = positions - 1 }
        while fails - fits > 1, fits < positions - 1 {
            let middle = (fits + fails) / 2
            if cost(lengths(middle)) <= room { fits = middle } else { fails = middle }
        }
        let next = min(fits + 1, positions - 1)
        let needy = tiles.indices.filter { !tiles[$0].end(next).isExact }
        guard needy.isEmpty else { return .needs(needy) }
        var base = lengths(fits)
        // An exhausted tile has a few octets behind its last position.
        let goal = fits == positions - 1 ? zip(base, tiles).map { max($0, $1.octets.count) } : lengths(next)
        if cost(goal) <= room { return .lengths(goal) }
        Self.share(&base, goal: goal, room: room, cost: cost)
        return .lengths(base)
    }

    /// Moves `lengths` towards `goal` as far as `room` allows.
    private static func share(_ lengths: inout [Int], goal: [Int], room: Int, cost: ([Int]) -> Int) {
        let start = lengths
        let steps = 1 << 20
        let moved = { (part: Int) in
            zip(start, goal).map { $0 + Int((Int64($1 - $0) * Int64(part)) / Int64(steps)) }
        }
        var (fits, fails) = (0, steps)
        while fails - fits > 1 {
            let middle = (fits + fails) / 2
            if cost(moved(middle)) <= room { fits = middle } else { fails = middle }
        }
        lengths = moved(fits)
        var spent = cost(lengths)
        for index in lengths.indices where lengths[index] < goal[index] && spent < room {
            lengths[index] += 1
            let tried = cost(lengths)
            if tried > room { lengths[index] -= 1 } else { spent = tried }
        }
    }

    /// Octets of a layer that takes the tiles from one row of lengths to another, its table and `beginnings` included.
    func cost(from before: [Int], to after: [Int], beginnings: [Int]) -> Int {
        var size = 0
        for tile in after.indices {
            let segment = after[tile] - before[tile] + (after[tile] > 0 ? beginnings[tile] : 0)
            guard segment > 0 else { continue }
            size += segment
            if tiles.count > 1 { size += LayerTable.varintSize(segment) }
        }
        return size > 0 && tiles.count > 1 ? size + LayerTable.bitmapSize(tiles.count) : size
    }
}

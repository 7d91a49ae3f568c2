import PerigeeCodec
import PerigeeCore
import PerigeeStation
import Testing

private func stream(rows: Int = 64) -> StreamDeclaration {
    StreamDeclaration(firmware: 7, profile: .known(index: 0, bands: nil), rows: rows, columns: 64)
}

private func metadata(_ milliseconds: Int64?) -> FrameMetadata {
    var metadata = FrameMetadata()
    if let milliseconds { metadata.time = .acquired(Timestamp(milliseconds: milliseconds)) }
    return metadata
}

extension StreamTable {
    fileprivate mutating func assign(_ stream: StreamDeclaration, at time: Int64?, budget: Int = 1_000_000) throws
        -> Assignment
    {
        let assignment = assign(stream, key: Self.key(stream), metadata: metadata(time), budget: budget)
        return try #require(assignment)
    }
}

@Test("frames of one stream share a declaration, and numbers go up")
func shared() throws {
    var table = StreamTable()
    let first = try table.assign(stream(), at: 1_533_379_589_024)
    let second = try table.assign(stream(), at: 1_533_379_599_000)
    let other = try table.assign(stream(rows: 65), at: nil)
    #expect((first.number, second.number, other.number) == (0, 0, 1))
    #expect((first.frame, second.frame, other.frame) == (0, 1, 2))
    #expect(second.stream.baseTime.milliseconds == 1_533_379_589_000 && other.stream.baseFrame == 2)
    #expect(second.declarationPacket == first.declarationPacket && table.declarationCount == 2)
    let packet = try Packet(parsing: first.declarationPacket[...])
    #expect(packet == Packet(declaration: 0, body: .declaration(first.stream)))
}

@Test("a stream is declared anew when its numbers have grown long, but not each time")
func worn() throws {
    var table = StreamTable()
    for index in 0..<20_000 { _ = try table.assign(stream(), at: Int64(index) * 1_000) }
    #expect(table.declarationCount == 2)
    var jumping = StreamTable()
    let decade: Int64 = 10 * 365 * 86_400_000
    for index in 0..<640 { _ = try jumping.assign(stream(), at: index.isMultiple(of: 2) ? 0 : decade) }
    #expect((2...10).contains(jumping.declarationCount))
}

@Test("budgets pay for a declaration little by little, exactly once")
func charges() throws {
    var table = StreamTable()
    let first = try table.assign(stream(), at: nil, budget: 40)
    #expect(first.charge == 10)
    var paid = first.charge
    for _ in 0..<20 { paid += try table.assign(stream(), at: nil, budget: 40).charge }
    #expect(paid == first.declarationPacket.count)
}

@Test("endless shapes do not fill the memory")
func boundedStreams() throws {
    var table = StreamTable()
    for rows in 1...(StreamTable.streamLimit + 10) { _ = try table.assign(stream(rows: rows), at: nil) }
    #expect(try table.assign(stream(rows: StreamTable.streamLimit), at: nil).number == StreamTable.streamLimit - 1)
    #expect(try table.assign(stream(rows: 1), at: nil).number == StreamTable.streamLimit + 10)
}

@Test(
    "layers and packets of a frame stay within every budget", arguments: [100, 1_000, 30_000, 400_000, 5_000_000],
    [10.0, 100, 300, 10_000])
func budgets(rawSize: Int, target: Double) throws {
    var table = StreamTable()
    let frame = metadata(1_533_379_589_024)
    let size = FrameBudget.size(rawSize: rawSize, target: target)
    let assigned = table.assign(stream(), key: StreamTable.key(stream()), metadata: frame, budget: size)
    let assignment = try #require(assigned)
    let ratios = LayerLadder.ratios.filter { $0 > target } + [target]
    let budgets = FrameBudget.payloads(rawSize: rawSize, ratios: ratios, assignment: assignment, metadata: frame)
    #expect(budgets == budgets.sorted() && !budgets.isEmpty)
    let layers = budgets.indices.map { [UInt8](repeating: 1, count: budgets[$0] - ($0 == 0 ? 0 : budgets[$0 - 1])) }
    let packets = Packet.parts(
        of: layers, metadata: frame, frame: assignment.frame, declaration: 0, stream: assignment.stream
    )
    .map { $0.packed().count }
    let total = packets.reduce(0, +) + assignment.charge
    let allowed = FrameBudget.size(rawSize: rawSize, target: target)
    if budgets.last ?? 0 > 0 {
        #expect(total <= allowed)
        #expect(Double(total) >= 0.97 * Double(allowed) - 64)
    }
}

@Test("after a restart numbers go on, and known streams are not declared again")
func restored() throws {
    var table = StreamTable()
    let first = try table.assign(stream(), at: 1_533_379_589_024)
    let second = try table.assign(stream(rows: 65), at: nil)
    let kept = [(second.number, second.declarationPacket), (first.number, first.declarationPacket), (5, [0, 1, 2])]
    var restored = StreamTable(restoring: kept, nextFrame: 9)
    let again = try restored.assign(stream(), at: 1_533_379_600_000)
    #expect(again.number == 0 && again.frame == 9 && again.charge == 0 && again.stream == first.stream)
    #expect(again.declarationPacket == first.declarationPacket)
    #expect(try restored.assign(stream(rows: 65), at: nil).number == 1)
    #expect(try restored.assign(stream(rows: 66), at: nil).number == 6)
}

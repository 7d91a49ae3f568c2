import PerigeeCodec
import PerigeeCore
import PerigeeTestSupport
import Testing

@Test(
    "coefficients come back exactly once everything is sent",
    arguments: [
        (1, 1, 1), (1, 1, 7), (3, 9, 1), (12, 33, 20), (2, 264, 264), (1, 600, 40), (2, 300, 800), (70, 5, 5),
    ])
func exact(components: Int, rows: Int, columns: Int) throws {
    let pair = TokenPair(components: components, rows: rows, columns: columns)
    let values = coefficients(components: components, rows: rows, columns: columns, seed: 7)
    let frame = try pair.encoder.encode(integers: values, validity: pair.validity, head: [], budgets: [1 << 40])
    let (lower, width) = try pair.intervals(frame.layers)
    for (index, value) in values.enumerated() {
        if value == 0 {
            #expect((lower[index], width[index]) == (-1, 2), "at \(index)")
        } else {
            #expect(width[index] == 1, "at \(index)")
            #expect(lower[index] == (value < 0 ? value - 1 : value), "at \(index)")
        }
    }
}

@Test("every prefix of a tile decodes, and no interval it announces is ever false")
func prefixes() throws {
    let (components, rows, columns) = (4, 29, 34)
    let pair = TokenPair(components: components, rows: rows, columns: columns)
    let values = coefficients(components: components, rows: rows, columns: columns, seed: 3)
    let stream = try pair.encoder.encode(integers: values, validity: pair.validity, head: [], budgets: [1 << 40])
        .layers[0]
    var before = [Int32](repeating: Int32.max, count: values.count)
    for length in 0...stream.count {
        let (lower, width) = try pair.intervals([Array(stream[..<length])])
        for (index, value) in values.enumerated() {
            guard holds(value, lower: lower[index], width: width[index]), width[index] <= before[index] else {
                Issue.record("length \(length), index \(index): \(value) is not in \(lower[index]) + \(width[index])")
                return
            }
        }
        before = width
    }
}

@Test("an encoder stopped at n octets writes the first n octets of the longer stream")
func stoppedEarly() throws {
    let pair = TokenPair(components: 3, rows: 45, columns: 33)
    let values = coefficients(components: 3, rows: 45, columns: 33, seed: 11)
    let whole = try pair.encoder.encode(integers: values, validity: pair.validity, head: [], budgets: [1 << 40])
        .layers[0]
    for length in 0..<whole.count {
        let short = try pair.encoder.encode(integers: values, validity: pair.validity, head: [], budgets: [length])
        guard short.layers[0] == Array(whole[..<length]) else {
            Issue.record("length \(length) of \(whole.count)")
            return
        }
    }
}

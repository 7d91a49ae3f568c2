/// Octets of a varint (Docs/packet-format.md, definitions).
package enum Varint {
    package static func size(_ value: Int) -> Int { max(1, (Int.bitWidth - max(0, value).leadingZeroBitCount + 6) / 7) }
}

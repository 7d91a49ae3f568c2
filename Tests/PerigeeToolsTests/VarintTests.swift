import PerigeeTools
import Testing

@Test(
    "the size of a varint",
    arguments: [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (1 << 28, 5), (Int.max, 9)])
func varints(value: Int, size: Int) {
    #expect(Varint.size(value) == size)
}

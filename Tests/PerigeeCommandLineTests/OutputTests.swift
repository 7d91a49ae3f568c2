import PerigeeCommandLine
import Testing

@Test("a table aligns its columns and leaves no space at the end of a line")
func table() {
    var table = Table([("name", .left), ("octets", .right)])
    table.append(["a", "12"])
    table.append(["long name", "1,234"])
    #expect(table.text() == "name       octets\na              12\nlong name   1,234\n")
}

@Test(
    "numbers for people",
    arguments: [
        (1234.567, 2, "1,234.57"), (0.05, 1, "0.1"), (-0.4, 0, "0"), (-2.5, 1, "-2.5"), (1e6, 0, "1,000,000"),
        (Double.infinity, 2, "inf"), (Double.nan, 2, "-"), (3.004, 2, "3.00"),
    ])
func numbers(value: Double, digits: Int, text: String) {
    #expect(Table.number(value, digits: digits) == text)
}

import PerigeeControl
import PerigeeCore
import Testing

@Suite("Classes of frames")
struct ClassTests {
    private let reference = GeoReference(epsg: 4_326, transform: [0.01, 0, 10, 0, -0.01, 51])

    private func choose(_ rules: [ClassRule], topic: String = "frame/s2/", sensor: String = "s2", hasPlace: Bool = true)
        -> FrameClass
    {
        FrameClass.of(
            rules: rules, topic: Array(topic.utf8), sensor: sensor,
            outline: hasPlace ? Outline(reference, rows: 10, columns: 10) : nil)
    }

    private func area(_ west: Double) throws -> Area {
        try Area(geoJSON: polygon("[[[\(west),50],[\(west + 1),50],[\(west + 1),52],[\(west),52],[\(west),50]]]")[...])
    }

    @Test("without a rule that matches a frame is of class 2")
    func usual() {
        #expect(choose([]) == .usual)
        #expect(choose([ClassRule(name: "a", topic: "frame/x", priority: 1)]) == .usual)
        #expect(choose([ClassRule(name: "a", sensor: "naip", priority: 1)]) == .usual)
    }

    @Test("all conditions of a rule must hold")
    func conditions() throws {
        let rule = ClassRule(name: "a", topic: "frame/", sensor: "s2", area: try area(9.95), priority: 1, target: 100)
        #expect(choose([rule]) == FrameClass(priority: 1, name: "a", target: 100))
        #expect(choose([rule], topic: "other") == .usual)
        #expect(choose([rule], sensor: "naip") == .usual)
        #expect(choose([rule], hasPlace: false) == .usual)
        var elsewhere = rule
        elsewhere.area = try area(20)
        #expect(choose([elsewhere]) == .usual)
    }

    @Test("of several rules the lowest number wins, of these the first")
    func lowest() {
        let rules = [
            ClassRule(name: "bulk", priority: 3), ClassRule(name: "first", sensor: "s2", priority: 1),
            ClassRule(name: "second", sensor: "s2", priority: 1), ClassRule(name: "middle", priority: 2),
        ]
        #expect(choose(rules).name == "first")
        #expect(choose(rules, sensor: "naip").name == "middle")
        #expect(choose([rules[0]]).priority == 3)
    }
}

import PerigeeCore
import PerigeeFrameFormat
import PerigeeJSON
import PerigeeStation
import PerigeeTestSupport
import Testing

private func time(_ hours: Double) -> Timestamp { Timestamp(milliseconds: Int64(hours * 3_600_000)) }

private func totals(link: Int, raw: Int, name: String = "naip") -> SavingTotals {
    var totals = SavingTotals()
    totals.since = 100
    totals.linkSent = link
    totals.sensor(name) {
        $0.frames = raw / 100
        $0.rawSize = raw
        $0.packetSize = link / 2
    }
    return totals
}

@Test("sums come back from the ledger's names as they went, also of a sensor with a slash in its name")
func figures() {
    var sums = totals(link: 10, raw: 300, name: "a/b/raw")
    sums.linkReceived = 4
    sums.sensor("b") {
        $0.encodedRawSize = 7
        $0.sampledSize = 9
    }
    #expect(SavingTotals(figures: sums.figures) == sums)
    #expect(SavingTotals(figures: ["sensor/": 1, "sensor/x": 1, "sensor/x/y": 1, "other": 2]) == SavingTotals())
}

@Test("an hour is what was added after its mark, and hours add up to the whole")
func hours() {
    var history = SavingHistory()
    do {
        let isNew = history.note(totals(link: 0, raw: 0), now: time(10.2))
        #expect(isNew)
    }
    do {
        let isNew = history.note(totals(link: 10, raw: 1_000), now: time(10.9))
        #expect(!isNew)
    }
    do {
        let isNew = history.note(totals(link: 15, raw: 1_500), now: time(11.001))
        #expect(isNew)
    }
    // nothing in the hour from 12 to 13
    do {
        let isNew = history.note(totals(link: 40, raw: 5_500), now: time(12))
        #expect(isNew)
    }
    do {
        let isNew = history.note(totals(link: 40, raw: 5_500), now: time(13))
        #expect(isNew)
    }
    let now = totals(link: 60, raw: 9_500)
    let hours = history.hours(totals: now, now: time(13.5))
    #expect(hours.map(\.growth.rawSize) == [1_500, 4_000, 4_000] && hours.map(\.growth.linkSize) == [15, 25, 20])
    #expect(hours.last?.since == time(13) && hours.last?.until == time(13.5))
    // the last hour goes back to the mark before it began
    let hour = history.period(seconds: 3_600, totals: now, now: time(13.5))
    #expect(hour.since == time(12) && hour.growth.rawSize == 4_000)
    let day = history.period(seconds: 86_400, totals: now, now: time(13.5))
    #expect(day.since == time(10.2) && day.growth.rawSize == 9_500 && day.growth.linkSize == 60)
}

@Test("a restart that finds its file goes on with it, and one that does not loses no total")
func file() throws {
    var history = SavingHistory()
    _ = history.note(totals(link: 0, raw: 0), now: time(1))
    _ = history.note(totals(link: 15, raw: 1_500), now: time(2))
    let octets = Array(history.json.description.utf8)
    let read = try #require(SavingHistory(parsing: octets))
    #expect(read.json == history.json)
    for count in 0..<octets.count { #expect(SavingHistory(parsing: Array(octets[..<count])) == nil) }
    for text in [
        "{}", "[]", "{\"v\":2,\"marks\":[]}", "{\"v\":1,\"marks\":[{\"time\":1}]}",
        "{\"v\":1,\"marks\":[{\"time\":1,\"figures\":{\"link/sent\":-1}}]}",
        "{\"v\":1,\"marks\":[{\"time\":2,\"figures\":{}},{\"time\":1,\"figures\":{}}]}",
    ] { #expect(SavingHistory(parsing: Array(text.utf8)) == nil, "\(text)") }
}

@Test("marks of another spool, or of a clock that was ahead, are forgotten")
func otherSpool() {
    var history = SavingHistory()
    _ = history.note(totals(link: 100, raw: 1_500), now: time(1))
    _ = history.note(totals(link: 200, raw: 2_500), now: time(2))
    // an older state of the same spool was restored
    do {
        let isNew = history.note(totals(link: 150, raw: 2_000), now: time(3))
        #expect(isNew)
    }
    #expect(history.marks.map(\.totals.linkSent) == [100, 150])
    var fresh = totals(link: 500, raw: 9_000)
    fresh.since = 200
    for hour in [4, 3.5] {
        let isNew = history.note(fresh, now: time(hour))
        #expect(isNew && history.marks.map(\.time) == [time(hour)])
    }
}

@Test("marks are kept for 30 days")
func limit() {
    var history = SavingHistory()
    for hour in 0..<1_000 { _ = history.note(totals(link: hour, raw: 0), now: time(Double(hour))) }
    #expect(history.marks.count == 721 && history.marks.first?.time == time(279))
}

@Test("ratios count all of the link, sensors share it by packets, and what is not known is null")
func report() throws {
    var sums = SavingTotals()
    sums.since = 1
    (sums.linkSent, sums.linkReceived) = (900, 100)
    sums.sensor("a") {
        ($0.frames, $0.rawSize, $0.packetSize) = (2, 30_000, 600)
        ($0.encodedRawSize, $0.encodedNativeSize) = (60_000, 30_000)
        ($0.sampledRawSize, $0.sampledSize) = (15_000, 5_000)
    }
    sums.sensor("b") { ($0.frames, $0.rawSize, $0.packetSize) = (1, 10_000, 200) }
    let json = SavingReport(totals: sums, history: SavingHistory(), now: time(1)).json
    let total = try #require(json["total"])
    #expect(total["raw_bytes"]?.int == 40_000 && total["link_bytes"]?.int == 1_000)
    #expect(total["raw_over_link"]?.double == 40 && total["raw_over_packets"]?.double == 50)
    #expect(total["native_bytes"] == .null && total["zstd_over_link"] == .null)
    let first = try #require(json["sensors"]?["a"]?["total"])
    #expect(first["link_bytes_share"]?.int == 750 && first["raw_over_link"]?.double == 40)
    #expect(first["native_bytes"]?.int == 15_000 && first["zstd_bytes"]?.int == 10_000)
    #expect(json["hour"]?["raw_over_link"] == .null && json["hour"]?["frames"]?.int == 0)
}

@Test("the saving goes on over a restart, with every octet of the link", .timeLimit(.minutes(10)))
func restart() throws {
    func run(in folder: TemporaryFolder?) throws -> (
        folder: TemporaryFolder, total: JSONValue, link: Int, alerts: String
    ) {
        let bench = try Bench(in: folder)
        let frame = try frame(sensor: "my-camera", bands: ["x"], type: .uint16, rows: 33, columns: 7) {
            UInt8(truncatingIfNeeded: $0 &* 31)
        }
        for index in 0..<3 {
            try bench.send(FrameMessage.pack(frame, run: folder == nil ? "a" : "b", sequence: index))
        }
        bench.waitUntilSpooled(folder == nil ? 3 : 6)
        let status = try bench.finish(received: folder == nil ? 3 : 6).status
        let link = try #require(status["bytes"]?["link"]?.int)
        return (bench.folder, try #require(status["saving"]?["total"]), link, status["alerts"]?.description ?? "")
    }
    let first = try run(in: nil)
    // a spool that was not there before is no reason to worry
    #expect(!first.alerts.contains("NewEpoch"))
    #expect(first.total["frames"]?.int == 3 && first.total["raw_bytes"]?.int == 3 * 2 * 33 * 7)
    let second = try run(in: first.folder)
    #expect(second.total["frames"]?.int == 6 && second.total["raw_bytes"]?.int == 6 * 2 * 33 * 7)
    #expect(second.total["since"] == first.total["since"])
    #expect(second.total["link_bytes"]?.int == first.link + second.link)
    #expect(try #require(second.total["zstd_bytes"]?.int) > 0)
}

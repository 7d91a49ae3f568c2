import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite(
    "A series in closed loop through the tool", .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct SeriesBenchTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func bench(_ words: String...) throws -> Programs.Outcome {
        try Programs.perigee(["bench", "series", folder.path, "--sensor", "sentinel-2-l2a", "--json"] + words)
    }

    private func add(_ name: String, as copy: String) throws {
        try FileManager.default.copyItem(atPath: SharedData.path(name), toPath: folder.file(copy))
    }

    @Test("dates are taken in order of time, with octets and dB of both")
    func dates() throws {
        let days = [
            "20180205", "20180208", "20180218", "20180225", "20180228", "20180325", "20180419", "20180426", "20180506",
        ]
        for (index, day) in days.enumerated() {
            // names against the order of time
            try add("worldcereal-timeseries/wc-be1_\(day).tif", as: "\(9 - index).tif")
        }
        try add("worldcereal-timeseries-s1/wc-be1_20170801.tif", as: "radar.tif")
        let outcome = try bench("--bytes", "400")
        try #require(outcome.code == 0, "\(outcome)")
        let report = try outcome.json()
        guard case .array(let dates)? = report["dates"] else {
            Issue.record("no dates: \(report)")
            return
        }
        #expect(dates.map { $0["file"]?.string } == (1...9).reversed().map { "\($0).tif" })
        #expect(dates[0]["key"] == .bool(true) && dates[0]["gap_days"] == .null && dates[0]["reference"] == .null)
        #expect(dates[1]["reference"] == .string("9.tif"))
        #expect(try #require(dates[1]["gap_days"]?.double).rounded() == 3)
        for date in dates {
            #expect(try #require(date["bytes_with"]?.int) <= 400)
            let (without, with) = (date["psnr_without"]?.double ?? 0, date["psnr_with"]?.double ?? 0)
            #expect(with >= without && without > 25, "\(date)")
        }
        #expect(try #require(report["predicted"]?.int) >= 7)
        #expect(try #require(report["mean_gain"]?.double) > 0.3)
        #expect(report["notes"]?.description.contains("radar.tif is left out") == true, "\(report)")

        let text = try Programs.perigee([
            "bench", "series", folder.path, "--sensor", "sentinel-2-l2a", "--bytes", "400",
        ])
        #expect(text.output.contains("a key") && text.output.contains("9 dates, "), "\(text)")
        #expect(text.errors.contains("note: radar.tif is left out"), "\(text)")
    }

    @Test(
        "a folder without frames, one that is not there, and a budget that is too small are errors that say what to do")
    func bad() throws {
        #expect(try bench().code == 65)
        let absent = try Programs.perigee(["bench", "series", folder.file("absent")])
        #expect(absent.code == 69 && absent.errors.contains("cannot be read"), "\(absent)")
        try add("worldcereal-timeseries/wc-be1_20180205.tif", as: "a.tif")
        let small = try bench("--bytes", "10")
        #expect(small.code == 3 && small.errors.contains("give --bytes"), "\(small)")
    }
}

import Foundation
import PerigeeCore
import PerigeeJSON
import PerigeeTestSupport
import Testing

@Suite(
    "A place seen again, through the real programs",
    .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"))
struct HistoryEndToEndTests {
    private let dates = ["20210301", "20210401", "20210501", "20210601"]

    private func path(_ date: String) -> String { SharedData.path("worldcereal-monthly/wc-be4_\(date).tif") }

    /// Sends the frames one after another, each when the one before has been delivered.
    private func fly(_ daemons: Daemons) async throws {
        for (index, date) in dates.enumerated() {
            try Programs.succeed(
                "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(date))
            try await daemons.waitForDelivery(index + 1)
        }
    }

    private func quality(_ daemons: Daemons) throws -> Double {
        let products = daemons.folder.file("products")
        try Programs.succeed("render", "--archive", daemons.archive, "-o", products)
        let rasters = try #require(FileManager.default.enumerator(atPath: products)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".tif") }
        #expect(rasters.count == dates.count)
        return try dates.reduce(0.0) { sum, date in
            let qualities = try rasters.map { name in
                try Programs.succeed(
                    "compare", "--json", "--sensor", "sentinel-2-l2a", path(date), "\(products)/\(name)"
                ).json()["psnr"]?.double ?? 0
            }
            // the product of the same date is the nearest one
            return try sum + #require(qualities.max())
        } / Double(dates.count)
    }

    @Test("frames are predicted from delivered ones and come back better for the same octets", .timeLimit(.minutes(10)))
    func gain() async throws {
        var qualities: [Double] = []
        for bytes in ["0", "\"1 GiB\""] {
            let daemons = try Daemons(target: "300x", more: "[memory]\nbytes = \(bytes)")
            try daemons.startGateway()
            try daemons.startStation()
            try await fly(daemons)
            let predicted = daemons.status?["history"]?["predicted"]?.int
            #expect(bytes == "0" ? predicted == nil : (predicted ?? 0) >= 2)
            #expect(daemons.stopStation() == 0)
            qualities.append(try quality(daemons))
        }
        #expect(qualities[1] > qualities[0] + 0.3, "without \(qualities[0]) dB, with \(qualities[1]) dB")
    }

    @Test("the first clear frame of a place is a key where the operator wants one; what follows is predicted from it")
    func key() async throws {
        let daemons = try Daemons(target: "800x", more: "[memory]\nkey_target = \"100x\"")
        try daemons.startGateway()
        try daemons.startStation()
        // of one season
        for (index, date) in ["20210601", "20210701", "20210801"].enumerated() {
            try Programs.succeed(
                "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(date))
            try await daemons.waitForDelivery(index + 1)
        }
        #expect(daemons.status?["history"]?["predicted"]?.int == 2)
        #expect(daemons.stopStation() == 0)
        let list = try Programs.succeed("archive", "list", "--json", daemons.archive).json()
        guard case .array(let frames)? = list["frames"] else {
            Issue.record("no list of frames")
            return
        }
        // 100 x 100 pixels, 9 bands of 16 bits
        let sizes = frames.compactMap { $0["bytes"]?.int }.sorted()
        #expect(sizes.count == 3 && sizes[1] < 300 && (1_000...1_800).contains(sizes[2]), "\(sizes)")
    }

    @Test("memory lives on over a restart; a damaged file costs octets, never a picture", .timeLimit(.minutes(10)))
    func restart() async throws {
        let daemons = try Daemons(target: "300x")
        try daemons.startGateway()
        try daemons.startStation()
        try Programs.succeed(
            "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(dates[0]))
        try await daemons.waitForDelivery(1)
        #expect(daemons.stopStation() == 0)
        try daemons.startStation()
        try await daemons.wait("its places") { $0["history"]?["places"]?.int == 1 }
        try Programs.succeed(
            "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(dates[1]))
        try await daemons.wait("a predicted frame") { $0["history"]?["predicted"]?.int == 1 }
        try await daemons.wait("delivery") { $0["ledger"]?["delivered"]?.int == 2 }
        #expect(daemons.stopStation() == 0)
        let file = daemons.folder.file("spool/memory.db")
        for name in [file, file + "-wal"] where FileManager.default.fileExists(atPath: name) {
            try Data(repeating: 0x5A, count: 20_000).write(to: URL(filePath: name))
        }
        try daemons.startStation()
        try await daemons.wait("an empty memory") { $0["history"]?["set_aside"]?.int == 1 }
        try Programs.succeed(
            "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(dates[2]))
        try await daemons.wait("delivery") { $0["ledger"]?["delivered"]?.int == 3 }
        try Programs.succeed(
            "publish", "--sensor", "sentinel-2-l2a", "--endpoint", daemons.frames, path(dates[3]))
        try await daemons.wait("delivery") { $0["ledger"]?["delivered"]?.int == 4 }
        #expect(daemons.stopStation() == 0)
        #expect(try quality(daemons) > 30)
    }
}

import Foundation
import PerigeeCore
import PerigeeFirmware
import PerigeeProducts
import PerigeeRaster
import PerigeeTestSupport
import Testing

/// The release binary beside the tests (`swift build -c release` makes it), and whether it can compare.
private enum PerigeeTool {
    static let path = SharedData.packageRoot + "/.build/release/perigee"

    static let isExpected: Bool = {
        if ProcessInfo.processInfo.environment["CI"] == "true" { return true }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["compare", "--help"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

@Suite(
    "perigee compare", .enabled(if: SharedData.isExpected, "no sample data: set PERIGEE_DATA"),
    .enabled(if: PythonScript.isExpected, "no Python: run Scripts/python-environment"),
    .enabled(if: PerigeeTool.isExpected, "no tool: run swift build -c release"))
struct CompareToolTests {
    @Test(
        "agrees with the Python implementation to 1e-6 on decoded frames",
        arguments: [
            ("worldcereal-timeseries/wc-be1_20180615.tif", "sentinel-2-l2a"),
            ("naip-timeseries/naip-nd_20090818.tif", "naip"), ("landsat7-olinda/olinda_nodate.tif", "landsat-7-etm"),
        ])
    func agrees(path: String, sensor: String) throws {
        let folder = try TemporaryFolder()
        let original = try RasterReader.read(SharedData.path(path)).frame
        let file = try tokens(original, profile: try profile(sensor), budgets: [200, 2_000])
        var decoder = StreamDecoder(store: FirmwareStore(directory: firmwareFolder))
        let product = try ProductWriter(folder: folder.path).write(try decoder.decode(file), facts(file))
        let (status, output) = try PythonScript.run(
            "check_compare.py", [PerigeeTool.path, sensor, SharedData.path(path), product.raster])
        #expect(status == 0, "\(output)")
        #expect(output.contains("\"psnr\""), "\(output)")
    }
}

import PerigeeCore
import PerigeeRaster
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("How much of a frame shows the ground")
struct ClearGroundTests {
    private func stream(_ bands: [Band], peak: Double = 10_000, scale: Double = 1e-4) throws -> StreamDescription {
        let profile = SensorProfile(
            name: "test", bands: bands, sampleType: .uint16, scale: scale, offset: 0, nodata: 0, peak: peak)
        return try StreamDescription(
            StreamDeclaration(firmware: 0, profile: .inline(profile), rows: 8, columns: 8), profiles: [])
    }

    /// `blue` of 64 samples in the second of two bands.
    private func samples(_ blue: (Int) -> UInt16) throws -> Samples {
        let values = [UInt16](repeating: 9_000, count: 64) + (0..<64).map(blue)
        return try Samples(
            type: .uint16, bands: 2, rows: 8, columns: 8, bytes: values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    }

    private let bands = [
        Band(name: "B08", centerWavelength: 0.84), Band(name: "B02", centerWavelength: 0.4927),
    ]

    @Test("bright in blue light is no ground, missing pixels do not count, and where no band tells all is clear")
    func shares() throws {
        let known = try stream(bands)
        // looked at: rows and columns 0 and 4
        #expect(ClearGround.share(of: try samples { _ in 800 }, stream: known, nodata: 0) == 1)
        #expect(ClearGround.share(of: try samples { _ in 4_000 }, stream: known, nodata: 0) == 0)
        #expect(ClearGround.share(of: try samples { $0 < 32 ? 800 : 4_000 }, stream: known, nodata: 0) == 0.5)
        #expect(ClearGround.share(of: try samples { $0 < 32 ? 0 : 800 }, stream: known, nodata: 0) == 1)
        let blind = try stream([Band(name: "VV"), Band(name: "VH")])
        #expect(ClearGround.share(of: try samples { _ in 4_000 }, stream: blind, nodata: 0) == 1)
        let counts = try stream(bands, scale: 1)
        #expect(ClearGround.share(of: try samples { _ in 4_000 }, stream: counts, nodata: 0) == 1)
    }
}

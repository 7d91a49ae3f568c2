import Foundation
import PerigeeCore
import PerigeeQuality
import PerigeeTestSupport
import Testing

private struct Vector: Decodable, CustomTestStringConvertible, Sendable {
    struct Figures: Decodable, Sendable {
        let valid_samples: Int
        let mask_mismatches: Int
        let mean_squared_error: Double?
        let psnr: Double?
        let ssim: Double?
        let sam: Double?
        let ndvi_error: Double?
        let max_error: Double?
    }

    let name: String
    let shape: [Int]
    let type: String
    let other_type: String
    let nodata: Double?
    let red: Int?
    let nir: Int?
    let scale: Double
    let offset: Double
    let peak: Double
    let original: String
    let other: String
    let expected: Figures
    var testDescription: String { name }

    static let all: [Vector] = {
        let path = SharedData.packageRoot + "/Tests/Vectors/quality/1/frames.json"
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return (try? JSONDecoder().decode([Vector].self, from: data)) ?? []
    }()

    func samples(_ text: String, _ name: String) throws -> Samples {
        try Samples(
            type: #require(SampleType(name: name)), bands: shape[0], rows: shape[1], columns: shape[2],
            bytes: #require(Hex.bytes(text)))
    }

    var conditions: Quality.Conditions {
        let bands = (0..<shape[0]).map {
            Band(name: "b\($0)", centerWavelength: $0 == red ? 0.665 : $0 == nir ? 0.842 : nil)
        }
        var conditions = Quality.Conditions(peak: peak, nodata: nodata, bands: bands)
        conditions.scale = scale
        conditions.offset = offset
        return conditions
    }
}

private func agrees(_ left: Double?, _ right: Double?) -> Bool {
    switch (left, right) {
    case (nil, nil): true
    case (.some(let left), .some(let right)): abs(left - right) <= 1e-6 * max(1, abs(right))
    default: false
    }
}

@Suite("Quality")
struct QualityTests {
    @Test("agrees with the Python implementation to 1e-6", arguments: Vector.all)
    fileprivate func vectors(_ vector: Vector) throws {
        let report = try Quality.compare(
            vector.samples(vector.original, vector.type), vector.samples(vector.other, vector.other_type),
            vector.conditions)
        let expected = vector.expected
        #expect(report.validSamples == expected.valid_samples)
        #expect(report.maskMismatches == expected.mask_mismatches)
        #expect(agrees(report.meanSquaredError, expected.mean_squared_error))
        #expect(agrees(report.psnr, expected.psnr))
        #expect(agrees(report.ssim, expected.ssim))
        #expect(agrees(report.sam, expected.sam))
        #expect(agrees(report.ndviError, expected.ndvi_error))
        #expect(agrees(report.maxError, expected.max_error))
    }

    @Test("the vectors are there") func present() { #expect(Vector.all.count == 11) }

    @Test("a frame is exactly itself: PSNR infinite, SSIM 1, angle 0", arguments: Vector.all)
    fileprivate func itself(_ vector: Vector) throws {
        let samples = try vector.samples(vector.original, vector.type)
        let report = try Quality.compare(samples, samples, vector.conditions)
        #expect(report.isExact)
        guard report.validSamples > 0 else {
            #expect(report.psnr == nil && report.ssim == nil && report.sam == nil && report.maxError == nil)
            return
        }
        #expect(report.psnr == .infinity)
        // No window centre need be valid in a masked frame this small.
        if let ssim = report.ssim { #expect(abs(ssim - 1) < 1e-12) }
        #expect((report.sam ?? 0) < 1e-12)
        #expect((report.ndviError ?? 0) == 0)
    }

    @Test("a frame that claims nodata where there are samples gains nothing")
    func claimedNodata() throws {
        let original = try Samples(type: .uint8, bands: 1, rows: 1, columns: 2, bytes: [10, 20])
        let other = try Samples(type: .uint8, bands: 1, rows: 1, columns: 2, bytes: [0, 20])
        let report = try Quality.compare(
            original, other, Quality.Conditions(peak: 255, nodata: 0, bands: [Band(name: "b")]))
        #expect(report.maskMismatches == 1)
        #expect(report.meanSquaredError == 50)
        #expect(!report.isExact)
    }

    @Test("categorical bands count only in the greatest error")
    func categorical() throws {
        let original = try Samples(type: .uint8, bands: 2, rows: 1, columns: 1, bytes: [10, 3])
        let other = try Samples(type: .uint8, bands: 2, rows: 1, columns: 1, bytes: [10, 8])
        let bands = [Band(name: "b"), Band(name: "SCL", isCategorical: true)]
        let report = try Quality.compare(original, other, Quality.Conditions(peak: 255, nodata: nil, bands: bands))
        #expect(report.psnr == .infinity)
        #expect(report.maxError == 5)
        #expect(report.bands[1].psnr == nil && report.bands[1].maxError == 5)
        #expect(report.sam == nil)
    }

    @Test("different shapes, missing names and a peak of 0 are refused")
    func refused() throws {
        let one = try Samples(type: .uint8, bands: 1, rows: 1, columns: 1, bytes: [1])
        let two = try Samples(type: .uint8, bands: 1, rows: 2, columns: 1, bytes: [1, 1])
        let band = [Band(name: "b")]
        #expect(throws: QualityError.shape(original: [1, 1, 1], other: [1, 2, 1])) {
            _ = try Quality.compare(one, two, Quality.Conditions(peak: 255, nodata: nil, bands: band))
        }
        #expect(throws: QualityError.bandCount(described: 0, samples: 1)) {
            _ = try Quality.compare(one, one, Quality.Conditions(peak: 255, nodata: nil, bands: []))
        }
        #expect(throws: QualityError.peak(0)) {
            _ = try Quality.compare(one, one, Quality.Conditions(peak: 0, nodata: nil, bands: band))
        }
    }

    @Test("red and near infrared are found by wavelength first, then by name")
    func bandChoice() {
        let sentinel = [("B03", 0.56), ("B04", 0.665), ("B05", 0.705), ("B08", 0.833), ("B8A", 0.865)].map {
            Band(name: $0.0, centerWavelength: $0.1)
        }
        #expect(BandChoice.red(in: sentinel) == 1)
        #expect(BandChoice.nearInfrared(in: sentinel) == 3)
        #expect(BandChoice.green(in: sentinel) == 0)
        let plain = ["R", "G", "B", "N"].map { Band(name: $0) }
        #expect(BandChoice.red(in: plain) == 0 && BandChoice.nearInfrared(in: plain) == 3)
        #expect(BandChoice.red(in: [Band(name: "VV")]) == nil)
    }
}

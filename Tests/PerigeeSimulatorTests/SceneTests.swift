import PerigeeCore
import PerigeeSimulator
import Testing

private func generator() throws -> SceneGenerator { try SceneGenerator(profile: sentinel2) }

@Test("the same request gives the same octets, another seed, place or date others")
func repeatable() throws {
    let generator = try generator()
    let first = try generator.frame(request(size: 96, clouds: nil))
    #expect(try generator.frame(request(size: 96, clouds: nil)) == first)
    for other in [
        request(size: 96, clouds: nil, seed: 8), request(place: 1, size: 96, clouds: nil),
        request("2024-06-25T10:36:00Z", size: 96, clouds: nil),
    ] { #expect(try generator.frame(other).samples != first.samples) }
    #expect(first.description.georeference?.transform[0] == 10)
    #expect(first.samples.bytes.count == 96 * 96 * 12 * 2)
}

@Test("a larger footprint of a place holds the smaller one")
func withoutBorders() throws {
    let generator = try generator()
    let small = try generator.scene(request(size: 64))
    let large = try generator.scene(request(size: 128))
    for row in 0..<64 {
        #expect(small.parcels[row * 64..<row * 64 + 64].elementsEqual(large.parcels[row * 128..<row * 128 + 64]))
    }
}

@Test("dates of one place look alike, and more so when they are near", arguments: [0, 1, 2, 3])
func revisits(place: Int) throws {
    let generator = try generator()
    func band(_ place: Int, _ date: String) throws -> [Double] {
        try generator.frame(request(place: place, date, size: 192)).reflectance("B04")
    }
    let first = try band(place, "2024-06-20T10:36:00Z")
    let near = correlation(first, try band(place, "2024-06-25T10:36:00Z"))
    let far = correlation(first, try band(place, "2024-11-20T10:36:00Z"))
    let elsewhere = correlation(first, try band(place + 10, "2024-06-25T10:36:00Z"))
    #expect(near > 0.9, "five days apart: \(near)")
    #expect(near > far, "near \(near), five months apart \(far)")
    #expect(abs(elsewhere) < 0.5, "another place: \(elsewhere)")
}

@Test("spectra are those of plants, soil and water")
func spectra() throws {
    let generator = try generator()
    var ndvi: [LandCover: [Double]] = [:]
    var bareSoil: [Double] = []
    for place in 0..<6 {
        let summer = try generator.scene(request(place: place, "2023-07-02T10:36:00Z", size: 192))
        for (value, cover) in zip(summer.frame.ndvi, summer.landCover) { ndvi[cover, default: []].append(value) }
        let autumn = try generator.scene(request(place: place, "2023-10-28T10:36:00Z", size: 192))
        let fields = zip(autumn.frame.ndvi, autumn.landCover).filter { $0.1 == .field }.map(\.0).sorted()
        bareSoil += fields.prefix(fields.count / 4)
    }
    let means = ndvi.mapValues(mean)
    let forest = try #require(means[.broadleafForest])
    let water = try #require(means[.water])
    let town = try #require(means[.town])
    #expect(forest > 0.75 && forest < 0.95, "forest \(forest)")
    #expect(water < 0.1, "water \(water)")
    #expect(town > 0.05 && town < 0.6, "town \(town)")
    #expect(mean(bareSoil) > 0.08 && mean(bareSoil) < 0.3, "soil \(mean(bareSoil))")
    #expect(mean(bareSoil) > water && forest > mean(bareSoil))
}

@Test("fields are green in early summer and bare in late autumn")
func season() throws {
    let generator = try generator()
    var (green, bare) = (0.0, 0.0)
    for place in 0..<4 {
        for (date, isSummer) in [("2023-06-05T10:36:00Z", true), ("2023-11-05T10:36:00Z", false)] {
            let scene = try generator.scene(request(place: place, date, size: 128))
            let value = mean(zip(scene.frame.ndvi, scene.landCover).filter { $0.1 == .field }.map(\.0))
            if isSummer { green += value } else { bare += value }
        }
    }
    #expect(green / 4 > bare / 4 + 0.25, "summer \(green / 4), autumn \(bare / 4)")
}

@Test("a fire darkens plants where it burns, from its day on and nowhere else")
func fire() throws {
    let generator = try generator()
    var burning = request(place: 4, "2024-06-24T10:36:00Z", size: 160)
    let start = try #require(Timestamp(rfc3339: "2024-06-20T00:00:00Z"))
    let before = try generator.scene(burning)
    burning.events = [SceneEvent(kind: .fire, start: start.milliseconds, x: 800, y: 800, radius: 400)]
    let after = try generator.scene(burning)
    func means(_ scene: SimulatedScene, inside: Bool) -> Double {
        let ndvi = scene.frame.ndvi
        let plants: [LandCover] = [.field, .grassland, .broadleafForest, .coniferForest]
        return mean(
            ndvi.indices.filter { index in
                let dx = Double(index % 160) * 10 - 800
                let dy = Double(index / 160) * 10 - 800
                let distance = (dx * dx + dy * dy).squareRoot()
                return plants.contains(scene.landCover[index]) && (inside ? distance < 200 : distance > 650)
            }.map { ndvi[$0] })
    }
    #expect(means(after, inside: true) < means(before, inside: true) - 0.2)
    #expect(means(after, inside: false) == means(before, inside: false))
    burning.datetime = Timestamp(milliseconds: start.milliseconds - 1)
    let eve = try generator.frame(burning)
    burning.events = []
    #expect(try generator.frame(burning) == eve)
}

@Test("a flood covers low ground with water")
func flood() throws {
    let generator = try generator()
    var wet = request(place: 2, "2024-06-21T10:36:00Z", size: 160)
    let dry = try generator.frame(wet).reflectance("B8A")
    let start = try #require(Timestamp(rfc3339: "2024-06-20T00:00:00Z"))
    wet.events = [SceneEvent(kind: .flood, start: start.milliseconds, x: 800, y: 800, radius: 900)]
    let flooded = try generator.frame(wet).reflectance("B8A")
    let changed = zip(dry, flooded).count { $0 > 0.15 && $1 < 0.1 }
    #expect(changed > 160 * 160 / 20, "\(changed) samples under water")
}

@Test("clouds cover what was asked for", arguments: [0.0, 0.1, 0.35, 0.7, 1.0])
func clouds(share: Double) throws {
    let generator = try generator()
    for place in 0..<3 {
        let cloudy = try generator.scene(request(place: place, clouds: share))
        #expect(abs(cloudy.cloudFraction - share) < 0.06, "place \(place): \(cloudy.cloudFraction)")
        guard share > 0.05 else { continue }
        let blue = cloudy.frame.reflectance("B02")
        let inside = blue.indices.filter { cloudy.clouds[$0] > 0.9 }.map { blue[$0] }
        #expect(mean(inside) > 0.45, "clouds are bright: \(mean(inside))")
    }
}

@Test("without a request the sky is drawn: some dates are clear, some are not")
func drawnSky() throws {
    let generator = try generator()
    let fractions = try (1...24).map { day in
        let date = "2024-05-\(day < 10 ? "0" : "")\(day)T10:36:00Z"
        return try generator.scene(request(date, size: 48, clouds: nil)).cloudFraction
    }
    #expect(fractions.contains { $0 < 0.01 })
    #expect(fractions.contains { $0 > 0.3 })
}

@Test("60 m bands are smoother than 10 m bands")
func bandGrids() throws {
    let frame = try generator().frame(request())
    func roughness(_ name: String) -> Double {
        let values = frame.reflectance(name)
        let steps = values.indices.dropLast().map { abs(values[$0 + 1] - values[$0]) }
        return mean(steps) / mean(values)
    }
    #expect(roughness("B01") < roughness("B02") / 2.5)
    #expect(roughness("B05") < roughness("B04") / 1.3)
}

@Test("no sample is nodata where the swath is, and the rest is", arguments: [1.0, 0.6, 0.0])
func coverage(share: Double) throws {
    var asked = request(size: 100)
    asked.coverage = share
    let frame = try generator().frame(asked)
    let valid = frame.reflectance("B02").count { $0 > 0 }
    #expect(abs(Double(valid) / 10_000 - share) < 0.02)
    let mask = frame.reflectance("B02").map { $0 > 0 }
    #expect(frame.reflectance("B12").map { $0 > 0 } == mask)
}

@Test("any size from one sample, any subset of bands in any order")
func shapes() throws {
    let subset = try SceneGenerator(profile: sentinel2, bandNames: ["B12", "B02"])
    var asked = request(size: 1)
    asked.columns = 37
    let frame = try subset.frame(asked)
    #expect(frame.description.bandNames == ["B12", "B02"])
    #expect((frame.samples.rows, frame.samples.columns) == (1, 37))
    #expect(try subset.frame(request(size: 1)).samples.bytes.count == 4)
    #expect(subset.pixel == 10)
}

@Test("8-bit pictures and floats have sensible values")
func otherTypes() throws {
    var picture = SensorProfile(
        name: "picture",
        bands: [("R", 0.65), ("G", 0.55), ("B", 0.46), ("N", 0.84)].map {
            Band(name: $0.0, centerWavelength: $0.1, groundSamplingDistance: 1)
        }, sampleType: .uint8, peak: 255)
    let frame = try SceneGenerator(profile: picture).frame(request(size: 64))
    let values = frame.samples.bytes.map(Double.init)
    #expect(mean(values) > 20 && mean(values) < 200, "mean \(mean(values))")
    picture.sampleType = .float32
    let floats = try SceneGenerator(profile: picture).frame(request(size: 16)).samples.bytes
    #expect(
        stride(from: 0, to: floats.count, by: 4).allSatisfy { at in
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(floats[at + $1]) << (8 * UInt32($1)) }
            let value = Float(bitPattern: bits)
            return value.isFinite && value > -0.05 && value < 1.5
        })
}

@Test("what cannot be made is refused with its name")
func refused() throws {
    let radar = SensorProfile(name: "radar", bands: [Band(name: "VV")], sampleType: .float32, peak: 1)
    #expect(throws: SimulatorError.noWavelength(band: "VV", sensor: "radar")) { try SceneGenerator(profile: radar) }
    #expect(throws: SimulatorError.unknownBand("B99", sensor: "sentinel-2-l2a")) {
        try SceneGenerator(profile: sentinel2, bandNames: ["B99"])
    }
    var asked = request(size: 16, clouds: 1.5)
    let generator = try generator()
    #expect(throws: SimulatorError.self) { try generator.frame(asked) }
    asked.cloudCover = 0
    asked.rows = 0
    #expect(throws: SimulatorError.self) { try generator.frame(asked) }
    asked.rows = Int.max
    asked.columns = Int.max
    #expect(throws: SimulatorError.self) { try generator.frame(asked) }
}

@Test("a pass visits every place, then all of them again")
func pass() throws {
    let start = try #require(Timestamp(rfc3339: "2024-06-20T10:36:00Z"))
    let stops = PassPlan(places: 3, visits: 2, start: start, revisitDays: 5).stops
    #expect(stops.map(\.place) == [0, 1, 2, 0, 1, 2])
    #expect(stops[3].datetime.rfc3339 == "2024-06-25T10:36:00Z")
    #expect(Set(stops.map(\.datetime)).count == 6)
}

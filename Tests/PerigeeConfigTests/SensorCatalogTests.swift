import Foundation
import PerigeeConfig
import PerigeeCore
import Testing

private let catalog = Result {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try SensorCatalog(directory: root.appending(path: "Config/sensors").path)
}

private func match(_ sensor: String, _ bands: [String], _ type: SampleType, scale: Double? = nil) throws
    -> SensorCatalog.Match
{
    var description = FrameDescription(sensor: sensor, bandNames: bands)
    description.scale = scale
    return try catalog.get().match(description, type: type)
}

@Test("bands come in any order, as a subset, under any of their names")
func subsets() throws {
    let found = try match("landsat-8-oli", ["B5", "B02", "B4"], .uint16)
    #expect(found.description.bandNames == ["B05", "B02", "B04"])
    #expect(found.profile?.name == "landsat-8-oli" && found.profile?.bands.count == 11)
    #expect(try match("landsat-7-etm", ["B01", "B2"], .uint8).description.bandNames == ["B1", "B2"])
    #expect(try match("naip", ["NIR", "red"], .uint8).description.bandNames == ["N", "R"])
    #expect(try match("sentinel-2-l1c", ["B9", "B8A", "B10"], .uint16).description.bandNames == ["B09", "B8A", "B10"])
}

@Test("a band that the sensor does not have is refused by name, and so is one under two names")
func strangers() {
    let error = #expect(throws: FormatError.self) { try match("sentinel-2-l2a", ["B02", "B10"], .uint16) }
    #expect(error?.description.contains("\"B10\"") == true && error?.description.contains("B8A") == true)
    #expect(throws: FormatError.self) { try match("sentinel-2-l2a", ["B02", "B2"], .uint16) }
}

@Test("a sensor that nobody knows has no profile, so its frames travel losslessly")
func unknown() throws {
    let found = try match("my-camera", ["x", "y"], .uint16)
    #expect(found.profile == nil && found.description.bandNames == ["x", "y"])
}

@Test(
    "generic frames get a peak from scale or type, or travel losslessly",
    arguments: [
        (SampleType.uint8, Double?.none, Double?.some(255)), (.uint16, nil, 10_000), (.int16, nil, 10_000),
        (.int32, nil, nil), (.float32, nil, nil), (.int32, 1e-4, 10_000), (.float32, 1, 1), (.uint16, -0.5, 2),
    ])
func generic(type: SampleType, scale: Double?, peak: Double?) throws {
    let found = try match("generic", ["a", "b"], type, scale: scale)
    #expect(found.profile?.peak == peak)
    if let profile = found.profile {
        #expect(profile.bands.map(\.name) == ["a", "b"] && profile.sampleType == type)
        #expect(profile.scale == scale ?? 1)
    }
}

@Test(
    "whole numbers for a sensor of floats need a scale, or travel losslessly",
    arguments: [
        (SampleType.int32, Double?.none, false), (.uint8, nil, false), (.int32, 1e-4, true), (.float32, nil, true),
    ])
func wholeNumbers(type: SampleType, scale: Double?, hasProfile: Bool) throws {
    let found = try match("sentinel-1", ["VH", "VV"], type, scale: scale)
    #expect((found.profile != nil) == hasProfile && found.description.bandNames == ["VH", "VV"])
}

@Test("profiles of a firmware help where no file describes the sensor")
func firmwareProfiles() throws {
    var catalog = try catalog.get()
    let other = SensorProfile(name: "other", bands: [Band(name: "x")], sampleType: .uint8, peak: 255)
    var naip = other
    naip.name = "naip"
    catalog.add([other, naip])
    #expect(try catalog.match(FrameDescription(sensor: "other", bandNames: ["x"]), type: .uint8).profile == other)
    #expect(catalog["naip"]?.profile.bands.count == 4)
}

@Test("a wrong profile names everything that is wrong")
func wrongProfile() {
    let text = """
        name = "x"
        dtype = "float64"
        scale = 0
        bands = [{ name = "a", aliases = ["b"] }, { name = "a", gsd = -1 }, { name = "b", colour = "red" }]
        """
    let error = #expect(throws: ConfigurationError.self) {
        try SensorDefinition(TomlDocument(parsing: Array(text.utf8), name: "x.toml"))
    }
    let all = error?.description ?? ""
    for part in [
        "dtype is \"float64\"", "scale is 0", "bands has a name twice", "alias \"b\", which is the name",
        "bands[1].gsd",
        "bands[2].colour is no key", "peak is missing",
    ] { #expect(all.contains(part), "\(part) in \(all)") }
}

import Foundation
import PerigeeConfig
import PerigeeCore
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
private let config = root.appending(path: "Config").path

/// Keys that a file holds, with the text of its values; of list keys only the name.
private func leaves(_ table: TomlValue, _ path: String = "") -> [String: TomlValue.Content] {
    guard case .table(let members) = table.content else { return [:] }
    var found: [String: TomlValue.Content] = [:]
    for member in members {
        if case .table = member.value.content {
            found.merge(leaves(member.value, path + member.name + ".")) { first, _ in first }
        } else {
            found[path + member.name] = member.value.content
        }
    }
    return found
}

struct Shipped: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let keys: [Key]
}

@Test(
    "the shipped file has every key of its table, and no other",
    arguments: [
        Shipped(testDescription: "perigeed.toml", keys: StationConfiguration.keys),
        Shipped(testDescription: "perigee-gateway.toml", keys: GatewaySettings.keys),
    ])
func complete(file: Shipped) throws {
    let document = try TomlDocument(path: "\(config)/\(file.testDescription)")
    #expect(Set(leaves(document.root).keys) == Set(file.keys.map(\.path)))
}

@Test("the shipped values are the defaults")
func defaults() throws {
    let shipped = try StationConfiguration(path: "\(config)/perigeed.toml")
    let minimum = "[intake]\nendpoints = [{ mode = \"pull\", endpoint = \"tcp://127.0.0.1:5570\", bind = true }]\n"
    let document = try TomlDocument(parsing: Array(minimum.utf8), name: "\(config)/perigeed.toml")
    #expect(try StationConfiguration(document) == shipped)
    let gateway = try GatewaySettings(path: "\(config)/perigee-gateway.toml")
    #expect(try GatewaySettings(TomlDocument(parsing: [], name: "\(config)/perigee-gateway.toml")) == gateway)
    #expect(shipped.gatewayEndpoint.hasSuffix(":5571") && gateway.endpoint.hasSuffix(":5571"))
    #expect(shipped.sensorsDirectory == "\(config)/sensors")
}

@Test("every key of the shipped files has a comment above it", arguments: ["perigeed.toml", "perigee-gateway.toml"])
func comments(_ file: String) throws {
    let lines = try String(contentsOfFile: "\(config)/\(file)", encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false)
    var isExplained = false
    for line in lines where !line.hasPrefix(" ") && !line.hasPrefix("]") {
        if line.hasPrefix("#") { isExplained = true }
        if line.isEmpty || line.hasPrefix("[") { isExplained = false }
        // a comment may stand above two keys that belong together
        if line.contains(" = ") && !line.hasPrefix("#") { #expect(isExplained, "\(line)") }
    }
}

@Test("the page of keys is what the tables say; `make docs` remakes it")
func reference() throws {
    let page = try String(contentsOf: root.appending(path: "Docs/configuration.md"), encoding: .utf8)
    #expect(ConfigurationReference.page == page)
    for key in StationConfiguration.keys + GatewaySettings.keys {
        let name = key.path.split(separator: ".").last.map(String.init) ?? ""
        #expect(page.contains("| `\(name)` |"), "\(key.path)")
    }
}

@Test("every key of the tables has a help text")
func helps() {
    for key in StationConfiguration.keys + GatewaySettings.keys + SensorDefinition.keys { #expect(!key.help.isEmpty) }
}

@Test("the eight shipped sensors are what their products are")
func sensors() throws {
    let catalog = try SensorCatalog(directory: "\(config)/sensors")
    let bands: [String: [String]] = [
        "sentinel-2-l1c": ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"],
        "sentinel-2-l2a": ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"],
        "landsat-8-oli": (1...11).map { $0 < 10 ? "B0\($0)" : "B\($0)" },
        "landsat-7-etm": (1...8).map { "B\($0)" },
        "modis": (1...7).map { "B0\($0)" } + ["NDVI", "EVI"],
        "naip": ["R", "G", "B", "N"],
        "sentinel-1": ["VV", "VH", "HH", "HV"],
        "generic": [],
    ]
    #expect(Set(catalog.definitions.map(\.profile.name)) == Set(bands.keys))
    for definition in catalog.definitions {
        let profile = definition.profile
        #expect(profile.bands.map(\.name) == bands[profile.name], "\(profile.name)")
        let isRadar = profile.name == "sentinel-1"
        for band in profile.bands where !["NDVI", "EVI"].contains(band.name) {
            #expect((band.centerWavelength == nil) == isRadar, "\(profile.name) \(band.name)")
            if let wavelength = band.centerWavelength { #expect((0.4...13).contains(wavelength)) }
            #expect(band.groundSamplingDistance != nil)
        }
    }
    #expect(catalog["sentinel-2-l2a"]?.profile.peak == 10_000 && catalog["naip"]?.profile.peak == 255)
    #expect(catalog["sentinel-2-l2a"]?.profile.scale == 1e-4 && catalog["sentinel-1"]?.profile.sampleType == .float32)
}

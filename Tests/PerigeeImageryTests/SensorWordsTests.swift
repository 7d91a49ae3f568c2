import PerigeeCore
import PerigeeImagery
import Testing

@Test(
    "what files call a sensor is translated, and what is derived from one is not",
    arguments: [
        ("Sentinel-2 MSI L2A", ["sentinel-2-l2a"]), ("Sentinel-2 MSI L1C", ["sentinel-2-l1c"]),
        ("Sentinel-2 MSI L3A monthly synthesis (Theia)", ["sentinel-2-l2a"]), ("Landsat-8 OLI L1TP", ["landsat-8-oli"]),
        ("Landsat-7 ETM+", ["landsat-7-etm"]), ("USDA NAIP aerial, 4 band", ["naip"]),
        ("Sentinel-1 C-SAR RTC", ["sentinel-1"]), ("Sentinel-2 MSI L1C derived NDVI", []),
        ("Harmonized Landsat Sentinel-2 (inferred)", []), ("Landsat collection 1 pixel_qa, one band per date", []),
        ("Sentinel-2 L2A scene classification (SCL) at 20 m", []), ("ERA5 2 m temperature", []), ("", []),
    ])
func words(text: String, profiles: [String]) {
    #expect(SensorWords.candidates(text) == profiles)
}

@Test(
    "the peak of a frame with its own scale is the profile's in that scale",
    arguments: [(Double?.none, 50), (1, 50), (1e-4, 500_000), (-0.5, 100), (0, 50)])
func peaks(scale: Double?, peak: Double) {
    let profile = SensorProfile(name: "sentinel-1", bands: [Band(name: "VV")], sampleType: .float32, peak: 50)
    #expect(abs(profile.peak(scale: scale) - peak) < 1e-6)
}

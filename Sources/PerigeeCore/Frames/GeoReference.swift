/// Where the samples of a frame lie: STAC `proj:code` and `proj:transform`.
public struct GeoReference: Equatable, Sendable {
    /// EPSG code of the coordinate reference system.
    public var epsg: Int
    /// Affine transform `[a, b, c, d, e, f]` in STAC and rasterio order: x = a * column + b * row + c, y = d * column + e * row + f.
    public var transform: [Double]

    /// A georeference from an EPSG code and the six numbers of the transform.
    public init(epsg: Int, transform: [Double]) {
        invariant(transform.count == 6, "an affine transform has six numbers")
        self.epsg = epsg
        self.transform = transform
    }

    /// The EPSG code out of `proj:code` text such as "EPSG:32631"; nil where it is none of 1024 to 32767.
    public static func epsg(code: String) -> Int? {
        guard code.hasPrefix("EPSG:"), let number = Int(code.dropFirst(5)), (1_024...32_767).contains(number) else {
            return nil
        }
        return number
    }
}

import CGDAL
import PerigeeCore

/// Owns one coordinate reference system; axes are always x (east), y (north).
struct SpatialReference: ~Copyable {
    let handle: UnsafeMutableRawPointer

    /// The system with an EPSG code; nil where the library does not know it.
    init?(epsg: Int) {
        guard let code = Int32(exactly: epsg), let handle = OSRNewSpatialReference(nil) else { return nil }
        guard OSRImportFromEPSG(handle, code) == OGRERR_NONE else {
            OSRDestroySpatialReference(handle)
            return nil
        }
        OSRSetAxisMappingStrategy(handle, OAMS_TRADITIONAL_GIS_ORDER)
        self.handle = handle
    }

    /// A copy of a dataset's system; nil where it has none.
    init?(copying dataset: borrowing Dataset) {
        guard let lent = GDALGetSpatialRef(dataset.handle), let handle = OSRClone(lent) else { return nil }
        self.handle = handle
    }

    deinit { OSRDestroySpatialReference(handle) }

    /// EPSG code: the one that the system carries, or one that follows from it without doubt; else nil.
    var epsg: Int? {
        if let code = authorityCode { return code }
        if let code = zeroShiftUTM { return code }
        guard OSRAutoIdentifyEPSG(handle) == OGRERR_NONE else { return nil }
        return authorityCode
    }

    /// Name of the system as its author wrote it.
    var name: String { OSRGetName(handle).map { String(cString: $0) } ?? "unnamed" }

    private var authorityCode: Int? {
        guard let name = OSRGetAuthorityName(handle, nil), String(cString: name) == "EPSG",
            let text = OSRGetAuthorityCode(handle, nil)
        else { return nil }
        return GeoReference.epsg(code: "EPSG:" + String(cString: text))
    }

    /// A UTM zone whose datum is tied to WGS 84 by a shift of zero, on the GRS 80 or WGS 84 ellipsoid (they differ by
    /// 0.1 mm), is the WGS 84 zone.
    private var zeroShiftUTM: Int? {
        var shift = [Double](repeating: 0, count: 7)
        guard OSRGetTOWGS84(handle, &shift, 7) == OGRERR_NONE, shift.allSatisfy({ $0 == 0 }) else { return nil }
        var isNorth: Int32 = 0
        let zone = OSRGetUTMZone(handle, &isNorth)
        let flattening = OSRGetInvFlattening(handle, nil)
        guard (1...60).contains(zone), OSRGetSemiMajor(handle, nil) == 6_378_137,
            abs(flattening - 298.257_223) < 1e-5, OSRGetLinearUnits(handle, nil) == 1
        else { return nil }
        return (isNorth != 0 ? 32_600 : 32_700) + Int(zone)
    }
}

import Glibc
import PerigeeCore

/// Sun, air and clouds of one date over one footprint.
struct Light {
    let sun: Sun
    let clouds: Clouds
    private let atmosphere: Atmosphere

    init(request: SceneRequest, site: PlaceSite, sun: Sun, pixel: Float, isTopOfAtmosphere: Bool) {
        // Weather belongs to the day: frames minutes apart see the same sky.
        let date = UInt64(bitPattern: request.datetime.milliseconds / 86_400_000)
        self.sun = sun
        clouds = Clouds(
            seed: site.worldSeed, date: date, cover: request.cloudCover, sun: sun,
            width: Float(request.columns) * pixel, height: Float(request.rows) * pixel)
        atmosphere = Atmosphere(seed: site.worldSeed, date: date, isTopOfAtmosphere: isTopOfAtmosphere)
    }

    /// What arrives at the sensor at a wavelength in micrometres.
    func reflectance(of ground: Footprint, at wavelength: Float) -> [Float] {
        var plane = ground.surface(at: wavelength)
        let diffuse = atmosphere.diffuseShare(wavelength)
        let path = atmosphere.path(wavelength)
        let transmission = atmosphere.transmission(wavelength)
        let haze = atmosphere.haze * atmosphere.hazeColor(wavelength)
        let cloud = Material.cloudReflectance(at: wavelength) * (path > 0 ? transmission : 1)
        for index in plane.indices {
            let direct = ground.slopes[index] * (1 - ground.shades[index])
            let lit = plane[index] * (diffuse + (1 - diffuse) * direct)
            let seen = path + transmission * lit + haze * ground.hazes[index]
            let opacity = ground.clouds[index]
            plane[index] = seen * (1 - opacity) + cloud * ground.tops[index] * opacity
        }
        return plane
    }
}

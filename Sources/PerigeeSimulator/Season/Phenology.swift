import Glibc

/// What grows on a field in a season.
enum Crop: Int, CaseIterable, Sendable {
    case winterWheat, rapeseed, maize, sugarBeet, springBarley, fallow

    /// Days from the first of January of the harvest's year: sowing, half grown, ripe by half, harvest; greatest cover.
    fileprivate var calendar: (sown: Float, green: Float, ripe: Float, harvest: Float, cover: Float) {
        switch self {
        case .winterWheat: (-75, 85, 178, 203, 0.93)
        case .rapeseed: (-120, 60, 168, 195, 0.90)
        case .maize: (120, 172, 262, 280, 0.92)
        case .sugarBeet: (90, 155, 300, 305, 0.94)
        case .springBarley: (70, 118, 185, 208, 0.88)
        case .fallow: (100, 150, 240, 400, 0.25)
        }
    }
}

/// Shares of a field's surface, which sum to at most 1; the rest is soil.
struct FieldCover: Sendable {
    var green: Float = 0
    var dry: Float = 0
}

/// Growth through the year as double logistic curves (Beck et al. 2006).
enum Phenology {
    /// Cover of a field; `shift` days late, `vigour` scales the cover. The crop changes each year with `draws`.
    static func field(_ draws: Draws, moment: Moment, shift: Float, vigour: Float) -> FieldCover {
        var cover = FieldCover()
        for season in 0...1 {
            let year = moment.year + season
            let crop = crop(draws, year: year)
            let part = curve(crop, day: moment.day - Float(season) * 365 - shift)
            cover.green = max(cover.green, part.green * vigour)
            cover.dry = max(cover.dry, part.dry)
        }
        cover.dry = min(cover.dry, 1 - cover.green)
        return cover
    }

    /// The crop of a harvest year.
    static func crop(_ draws: Draws, year: Int) -> Crop {
        let pick = draws.unit(1_000 + UInt64(max(0, year)))
        switch pick {
        case ..<0.36: return .winterWheat
        case ..<0.46: return .rapeseed
        case ..<0.68: return .maize
        case ..<0.82: return .sugarBeet
        case ..<0.94: return .springBarley
        default: return .fallow
        }
    }

    private static func curve(_ crop: Crop, day: Float) -> FieldCover {
        let calendar = crop.calendar
        guard day > calendar.sown else { return FieldCover() }
        let up = logistic((day - calendar.green) / 11)
        let down = logistic((day - calendar.ripe) / 7)
        // Winter crops show a little green before spring.
        let early = calendar.sown < 0 ? 0.22 * logistic((day - calendar.sown - 35) / 8) : 0
        guard day < calendar.harvest else {
            // Stubble is ploughed in over six weeks.
            return FieldCover(green: 0, dry: 0.55 * expf(-(day - calendar.harvest) / 22))
        }
        let grown = calendar.cover * max(up, early)
        return FieldCover(green: grown * (1 - down), dry: grown * down * 0.85)
    }

    /// Green share of meadows and lawns: never bare, slow in winter, mown some times a summer.
    static func grass(_ draws: Draws, moment: Moment) -> Float {
        let season = 0.45 + 0.40 * logistic((moment.day - 90) / 14) * (1 - logistic((moment.day - 300) / 18))
        let first = draws.value(5, in: 135...170)
        let cycle = draws.value(6, in: 38...60)
        let sinceCut = moment.day - first
        guard sinceCut > 0, moment.day < 285 else { return season }
        let age = sinceCut - (sinceCut / cycle).rounded(.down) * cycle
        return season * (1 - 0.45 * expf(-age / 9))
    }

    /// Leaves on broadleaf trees, 0 to 1; later in the north and on a shifted stand.
    static func leaves(moment: Moment, latitude: Float, shift: Float) -> Float {
        let out = 88 + (latitude - 40) * 1.6 + shift
        let fall = 312 - (latitude - 40) * 1.1 - shift
        return logistic((moment.day - out) / 6) * (1 - logistic((moment.day - fall) / 7))
    }

    private static func logistic(_ value: Float) -> Float { 1 / (1 + expf(-value)) }
}

import Glibc

enum Decibels {
    /// 10 log10(peak² / error); infinite for an error of 0.
    static func psnr(meanSquaredError: Double, peak: Double) -> Double {
        meanSquaredError == 0 ? .infinity : 10 * log10(peak * peak / meanSquaredError)
    }
}

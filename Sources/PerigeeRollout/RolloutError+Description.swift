import PerigeeCore

extension RolloutError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .firmware(let error): "\(error)"
        case .codec(let frame, let error):
            "\(frame.map { "frame \($0) of the self-test" } ?? "the bundle") cannot be coded: \(error)"
        case .untested: "the bundle has no self-test: make the release with `perigee firmware pack --release`"
        case .untestable:
            "no sensor of the bundle has samples of uint8, uint16 or int16: a self-test cannot be made, add a profile"
        case .decoded(let frame, let found, let expected):
            "frame \(frame) of the self-test decodes to samples of SHA-256 \(Hex.text(found)), expected "
                + "\(Hex.text(expected)): this program does not decode what the bundle's maker encodes, update it"
        case .encoded(let frame, let error, let limit):
            "frame \(frame) of the self-test has a mean squared error of \(error), the limit is \(limit): this program does "
                + "not encode as the bundle's maker does, update it"
        case .older(let version, let accepted, let key):
            "version \(version) is older than \(accepted), which key \(key) signed and this station kept: make a release with a "
                + "higher number, or install with --allow-downgrade"
        case .trialRunning(let version):
            "version \(version) is being tried: wait until it is kept, or end it with `perigee firmware rollback`"
        case .failedBefore(let version, let reason):
            "version \(version) failed its trial here (\(reason)): make a release with a higher number"
        case .untrusted(let path, let problem):
            "\(path) is not to be trusted: \(problem). Let root own it, or sign it, or say require_signature = false"
        case .noPrevious: "nothing served before what serves now: install a release instead"
        case .nothingToTry: "no slot holds a bundle that does not serve already: install a release"
        }
    }
}

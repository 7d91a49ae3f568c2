public import PerigeeCodec
public import PerigeeFirmware

/// Why a bundle was not made, installed or kept. Every case names what was found and ends with the remedy.
public enum RolloutError: Error, Equatable, Sendable {
    /// The bundle itself, or its signature.
    case firmware(FirmwareError)
    /// The codec could not use the bundle; `frame` counts the frames of its self-test, nil is the bundle as a whole.
    case codec(frame: Int?, CodecError)
    /// The bundle has no self-test.
    case untested
    /// No sensor of the bundle has samples that a self-test can be made of.
    case untestable
    /// A frame of the self-test decodes to other samples; SHA-256.
    case decoded(frame: Int, found: [UInt8], expected: [UInt8])
    /// A frame of the self-test comes back worse than when the bundle was made; mean squared errors.
    case encoded(frame: Int, error: Double, limit: Double)
    /// The key has signed a newer one that was kept.
    case older(version: UInt64, accepted: UInt64, key: SigningKeyID)
    /// Another bundle is being tried.
    case trialRunning(version: UInt64)
    /// It failed its trial on this station before.
    case failedBefore(version: UInt64, reason: String)
    /// A bundle that nobody signed, where others could have changed it.
    case untrusted(path: String, problem: String)
    /// There is nothing to go back to.
    case noPrevious
    /// No slot holds a bundle that does not serve.
    case nothingToTry
}

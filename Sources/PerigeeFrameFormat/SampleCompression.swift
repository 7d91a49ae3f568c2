/// The one compression that a message may name.
enum SampleCompression {
    static func compress(_ octets: [UInt8]) throws(FrameFormatError) -> [UInt8] {
        throw .compression(problem: "this build has none")
    }

    static func decompress(_ octets: [UInt8], size: Int) throws(FrameFormatError) -> [UInt8] {
        throw .compression(problem: "this build has none")
    }
}

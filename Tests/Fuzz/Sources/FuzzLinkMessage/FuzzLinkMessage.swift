import PerigeeCore
import PerigeeLink

/// Messages between station and gateway. What parses must mean the same after it is packed again.
@c(LLVMFuzzerTestOneInput)
public func fuzzLinkMessage(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let message = try? LinkMessage(parsing: bytes[...]) else { return 0 }
    guard let again = try? LinkMessage(parsing: message.packed()[...]) else { fatalError("does not parse again") }
    invariant(again == message, "another meaning")
    return 0
}

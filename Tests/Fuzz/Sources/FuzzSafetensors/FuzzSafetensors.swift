import PerigeeCodec
import PerigeeFirmware

/// The tensors of a firmware bundle, and the model that is made of them.
@c(LLVMFuzzerTestOneInput)
public func fuzzSafetensors(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let tensors = try? Safetensors.parse(bytes, file: "fuzz") else { return 0 }
    _ = try? CodecModel(tensors: tensors)
    return 0
}

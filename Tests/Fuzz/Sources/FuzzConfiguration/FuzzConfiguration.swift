import PerigeeConfig

/// Configuration files of both daemons: TOML, keys, values, limits.
@c(LLVMFuzzerTestOneInput)
public func fuzzConfiguration(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let document = try? TomlDocument(parsing: bytes, name: "fuzz") else { return 0 }
    _ = try? StationConfiguration(document)
    _ = try? GatewaySettings(document)
    return 0
}

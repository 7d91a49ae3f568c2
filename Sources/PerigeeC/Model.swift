import PerigeeCodec
import PerigeeCore
import PerigeeFirmware

/// Tensors and sensors, and the codec model that they make.
final class Model: Sendable {
    let firmware: UInt32
    let profiles: [SensorProfile]
    let codec: CodecModel

    init(firmware: UInt32, profiles: [SensorProfile], tensors: [String: Tensor]) throws {
        self.firmware = firmware
        self.profiles = profiles
        codec = try CodecModel(tensors: tensors)
    }
}

/// Opens a bundle directory (`path`: UTF-8, ended by 0).
@_cdecl("perigee_model_open")
public func openModel(
    _ path: UnsafePointer<CChar>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> UnsafeMutableRawPointer? {
    callForHandle(message, capacity) {
        guard let path else { throw CallError(description: "the path is null") }
        let bundle = try FirmwareBundle.load(directory: String(cString: path))
        return try Model(firmware: bundle.id, profiles: bundle.profiles, tensors: bundle.tensors)
    }
}

/// Makes a model of the octets of one safetensors file, without sensors: what a trainer has before there is a bundle.
@_cdecl("perigee_model_parse")
public func parseModel(
    _ tensors: UnsafePointer<UInt8>?, _ size: Int, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> UnsafeMutableRawPointer? {
    callForHandle(message, capacity) {
        try Model(
            firmware: 0, profiles: [],
            tensors: Safetensors.parse(octets(tensors, size, "the octets of tensors"), file: "tensors"))
    }
}

/// First four octets of the SHA-256 of the manifest; 0 for a model without bundle.
@_cdecl("perigee_model_firmware")
public func modelFirmware(
    _ model: UnsafeMutableRawPointer?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) { Int(try object(model, as: Model.self).firmware) }
}

import Foundation
import PerigeeArchive
import PerigeeCodec
import PerigeeCore
import PerigeeFirmware
import PerigeeProducts
import PerigeeTestSupport
import Testing

/// The bundle of the repository.
let firmwareFolder = SharedData.packageRoot + "/Firmware"

func bundle() throws -> FirmwareBundle { try FirmwareBundle.load(directory: firmwareFolder + "/perigee-1") }

func profile(_ name: String) throws -> SensorProfile {
    try #require(try bundle().profiles.first { $0.name == name })
}

/// A smooth frame of a sensor, with all that a description can say.
func frame(
    sensor: String = "sentinel-2-l2a", bands: [String] = ["B04", "B03", "B08"], rows: Int = 40, columns: Int = 48
)
    throws -> Frame
{
    var writer = ByteWriter()
    for band in bands.indices {
        for row in 0..<rows {
            for column in 0..<columns {
                writer.write(UInt16(1_000 + 400 * band + 20 * row + 13 * column + (row * column * 7) % 50))
            }
        }
    }
    var description = FrameDescription(sensor: sensor, bandNames: bands)
    description.nodata = 0
    description.datetime = Timestamp(rfc3339: "2018-06-15T10:54:01Z")
    description.georeference = GeoReference(epsg: 32_631, transform: [10, 0, 501_360, 0, -10, 5_629_680])
    description.sunElevation = 60.5
    description.place = "wc-be1"
    return try Frame(
        description: description,
        samples: try Samples(type: .uint16, bands: bands.count, rows: rows, columns: columns, bytes: writer.bytes))
}

/// A frame as a token file of the repository's firmware.
func tokens(_ frame: Frame, profile: SensorProfile?, budgets: [Int] = [60, 200, 900]) throws -> TokenFile {
    let bundle = try bundle()
    let (declaration, metadata) = try StreamDeclaration.declare(
        frame.description, shape: frame.samples, profile: profile, firmware: bundle.id, profiles: bundle.profiles)
    let stream = try StreamDescription(declaration, profiles: bundle.profiles)
    let encoder = try FrameEncoder(model: try CodecModel(tensors: bundle.tensors), stream: stream, lanes: 1)
    let layers = try encoder.encode(frame.samples, budgets: budgets).layers
    return TokenFile(
        epoch: try Epoch(bytes: [UInt8](repeating: 7, count: 16)), declaration: declaration, frame: 5,
        metadata: metadata, layers: layers.map { $0[...] })
}

/// The packets of a token file behind their declaration, with numbers from `first`.
func records(_ file: TokenFile, number: Int = 1, declaration: Int = 3, first: UInt64 = 1) throws -> [ArchiveRecord] {
    let packets =
        [Packet(declaration: declaration, body: .declaration(file.declaration))]
        + Packet.parts(
            of: file.layers.map { Array($0) }, metadata: file.metadata, frame: UInt64(number), declaration: declaration,
            stream: file.declaration)
    return packets.enumerated().map { index, packet in
        ArchiveRecord(
            station: "lab", epoch: file.epoch, number: first + UInt64(index),
            received: Timestamp(milliseconds: 1_700_000_000_000 + Int64(index)), packet: packet.packed()[...])
    }
}

func facts(_ file: TokenFile) -> ProductFacts {
    ProductFacts(
        station: "lab", epoch: file.epoch, frame: file.frame,
        received: Timestamp(milliseconds: 1_700_000_000_000)...Timestamp(milliseconds: 1_700_000_001_000),
        packetCount: 4, packetSize: 1_000, software: "test")
}

import Foundation
import PerigeeCore
import PerigeeFrameFormat
import PerigeeSimulator
import PerigeeStation
import PerigeeTestSupport
import Testing

/// One place on days five apart.
func scene(_ visit: Int) throws -> Frame {
    let bands = [("B02", 0.4924), ("B04", 0.6646), ("B08", 0.8328)].map {
        Band(name: $0.0, centerWavelength: $0.1, groundSamplingDistance: 20)
    }
    let generator = try SceneGenerator(
        profile: SensorProfile(
            name: "sentinel-2-l2a", bands: bands, sampleType: .uint16, scale: 0.0001, nodata: 0, peak: 10_000))
    let start = try #require(Timestamp(rfc3339: "2024-05-02T10:36:00Z")).milliseconds
    return try generator.frame(
        SceneRequest(
            seed: 101, place: 0, datetime: Timestamp(milliseconds: start + Int64(visit) * 5 * 86_400_000),
            rows: 128,
            columns: 128, cloudCover: 0))
}

/// Sends one visit, and waits until the gateway has it.
func fly(_ bench: Bench, _ visit: Int) async throws {
    try bench.send(FrameMessage.pack(scene(visit), run: "r", sequence: visit))
    try await wait { bench.station.counters.sensors["sentinel-2-l2a"]?.acknowledged ?? 0 > visit }
}

/// What the first packets of frames say.
func metadata(_ packets: [[UInt8]]) throws -> [UInt64: FrameMetadata] {
    var streams: [Int: StreamDeclaration] = [:]
    var found: [UInt64: FrameMetadata] = [:]
    for packet in try packets.map({ try Packet(parsing: $0[...]) }) {
        switch packet.body {
        case .declaration(let stream): streams[packet.declaration] = stream
        case .part(let part) where part.part == 0:
            let stream = try #require(streams[packet.declaration])
            found[stream.baseFrame + part.frameDelta] = try part.split(declaration: stream).metadata
        case .part: break
        }
    }
    return found
}

/// What each predicted frame names.
func references(_ bench: Bench) throws -> [UInt64: FrameMetadata.References] {
    try metadata(bench.gateway.filed).compactMapValues(\.references)
}

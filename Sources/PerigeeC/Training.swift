import PerigeeCodec
import PerigeeCore
import PerigeeFirmware

/// A table trainer; it starts from tables that know nothing, or, with a model, it learns the tables of predicted tiles.
@_cdecl("perigee_trainer_open")
public func openTrainer(
    _ model: UnsafeMutableRawPointer?,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> UnsafeMutableRawPointer? {
    callForHandle(message, capacity) {
        if let model { TableTrainer(predictedBy: try object(model, as: Model.self).codec) } else { TableTrainer() }
    }
}

/// Learns from one frame: its strict coefficients under the basis that the encoder chooses for `budget` octets, times
/// `scale`, cut to integers, coded to the budget; with a reference, what it leaves of them. Invalid samples are filled. Gives the spectral mode that was chosen.
@_cdecl("perigee_trainer_adapt")
public func adaptTrainer(
    _ trainer: UnsafeMutableRawPointer?, _ stream: UnsafeMutableRawPointer?, _ samples: UnsafePointer<UInt8>?,
    _ size: Int, _ reference: UnsafeMutableRawPointer?, _ budget: Int, _ scale: Float,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let trainer = try object(trainer, as: TableTrainer.self)
        let stream = try object(stream, as: Stream.self)
        let samples = try stream.samples(samples, size)
        let planes: Planes
        let choice: SpectralChoice
        var predictions: [TilePrediction?]?
        if let reference = try PerigeeC.reference(reference) {
            let made = try stream.transform.predict(
                samples, from: reference, budget: budget, model: trainer.prediction ?? stream.model.history)
            (planes, choice, predictions) = (made.coefficients, made.choice, made.predictions)
        } else {
            (planes, choice) = try stream.transform.forward(
                samples, validity: stream.transform.validity(of: samples), budget: budget)
        }
        let integers = planes.values.map { value -> Int32 in
            let scaled = value * scale
            return scaled.isNaN ? 0 : Int32(max(-0x1p30, min(0x1p30, scaled)))
        }
        try integers.withUnsafeBufferPointer {
            try trainer.adapt(
                coefficients: $0, components: planes.components, rows: planes.rows, columns: planes.columns,
                budget: budget, predictions: predictions)
        }
        return choice.mode
    }
}

/// What was learned, as the octets of a safetensors file. Gives their count; where `octets` is null nothing is written.
@_cdecl("perigee_trainer_tensors")
public func trainerTensors(
    _ trainer: UnsafeMutableRawPointer?, _ octets: UnsafeMutablePointer<UInt8>?, _ size: Int,
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> Int64 {
    call(message, capacity) {
        let bytes = Safetensors.pack(try object(trainer, as: TableTrainer.self).tensors())
        return octets == nil ? bytes.count : try copy(bytes, to: octets, capacity: size)
    }
}

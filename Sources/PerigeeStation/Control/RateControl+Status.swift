import PerigeeConfig
import PerigeeControl
import PerigeeJSON

extension RateControl {
    /// `control` of status.json: Docs/rate-control.md.
    func json(_ settings: StationConfiguration.Control) -> JSONValue {
        let (layers, counts, places, evicted) = current
        func rounded(_ value: Double) -> JSONValue { .number((value * 1_000).rounded() / 1_000) }
        let levels = FrameClass.priorities.map { priority in
            let level = layers.levels[priority - 1]
            return JSONValue.object([
                "priority": .integer(priority), "held_bytes": .integer(layers.line.backlog[priority]),
                "wait_seconds": rounded(layers.wait(priority)), "layers_left_away": .integer(level.dropped),
                "changes": .integer(level.changes),
            ])
        }
        return .object([
            "line_rate": layers.line.rate.map(rounded) ?? .null, "classes": .array(levels),
            "layers_sent": .integer(layers.sentLayers), "layers_kept": .integer(layers.keptLayers),
            "frames": .sorted(counts.classes.mapValues { .integer($0) }),
            "surprise": .object([
                "threshold": .number(settings.surprise), "frames": .integer(counts.surprising),
                "frames_expected": .integer(counts.expected),
                "highest": counts.highest.map(rounded) ?? .null, "latest": .sorted(counts.latest.mapValues(rounded)),
                "cells_scored": .integer(counts.scored), "cells_compared": .integer(counts.compared),
                "cells_learning": .integer(counts.learned),
                "cells_hidden": .integer(counts.hidden), "places": .integer(places),
                "places_evicted": .integer(evicted), "save_failures": .integer(counts.saveFailures),
            ]),
        ])
    }
}

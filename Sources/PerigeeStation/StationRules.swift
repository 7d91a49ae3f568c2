import PerigeeConfig
import PerigeeControl

/// What a station goes by until the next reload: its configuration, and what was made of it. One value, so that a frame meets the
/// old rules or the new ones.
struct StationRules: Sendable {
    let configuration: StationConfiguration
    let classes: [ClassRule]
    private let classTargets: [String: StationConfiguration.Target]

    /// `areas`: areas of interest by their file.
    init(_ configuration: StationConfiguration, areas: [String: Area]) {
        self.configuration = configuration
        classes = configuration.classes.map { rule in
            ClassRule(
                name: rule.name, topic: rule.topic, sensor: rule.sensor,
                area: rule.areaFile.flatMap { areas[$0] }, priority: rule.priority)
        }
        classTargets = Dictionary(
            configuration.classes.compactMap { rule in rule.target.map { (rule.name, $0) } }
        ) { first, _ in first }
    }

    /// What is sent of a frame: the target of its class goes before that of its sensor.
    func target(of frameClass: FrameClass, sensor: String) -> StationConfiguration.Target {
        frameClass.name.flatMap { classTargets[$0] } ?? configuration.targets[sensor] ?? configuration.target
    }
}

import Glibc
import Synchronization

/// SIGTERM and SIGINT as a flag: work that follows something looks at it and ends in order.
package enum StopSignal {
    private static let isRaised = Atomic<Bool>(false)

    /// From here on both signals raise the flag; a second one of either ends the process at once.
    package static func watch() {
        for number in [SIGTERM, SIGINT] {
            signal(number) { number in
                StopSignal.isRaised.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }

    /// Whether one came.
    package static var isSet: Bool { isRaised.load(ordering: .relaxed) }
}

import PerigeeCommandLine
import PerigeeCore
import PerigeeFirmware
import PerigeeJSON
import PerigeeLink
import PerigeeRollout
import PerigeeTransport

/// The slots of a station, seen and changed by hand.
enum FirmwareSlots {
    /// `perigee firmware install`.
    static func install(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let packed: PackedBundle, keys: TrustedKeys
        do throws(FirmwareError) {
            packed = try PackedBundle(file: arguments.positionals[0])
            keys = try TrustedKeys(directory: arguments.text("keys") ?? "")
        } catch { throw CommandFailure(error) }
        let store = SlotStore(directory: arguments.text("slots") ?? "", keys: keys)
        let release: SlotState.Release
        do throws(RolloutError) {
            release = try store.install(
                packed, allowsDowngrade: arguments.flag("allow-downgrade"), now: currentTime().utc)
        } catch { throw CommandFailure(error) }
        if arguments.flag("json") { return try list(arguments) }
        Terminal.print("\(release.text), signed by key \(release.key), is installed: the daemon tries it next")
        return .ok
    }

    /// `perigee firmware activate`.
    static func activate(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let keys: TrustedKeys
        do throws(FirmwareError) { keys = try TrustedKeys(directory: arguments.text("keys") ?? "") } catch {
            throw CommandFailure(error)
        }
        let store = SlotStore(directory: arguments.text("slots") ?? "", keys: keys)
        let release: SlotState.Release
        do throws(RolloutError) { release = try store.activate(now: currentTime().utc) } catch {
            throw CommandFailure(error)
        }
        if arguments.flag("json") { return try list(arguments) }
        Terminal.print("\(release.text) is to be tried again: the daemon tries it next")
        return .ok
    }

    /// `perigee firmware ls`.
    static func list(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let folder = arguments.text("slots") ?? ""
        let state: SlotState
        do throws(RolloutError) { state = try SlotStore(directory: folder, keys: TrustedKeys([])).read() } catch {
            throw CommandFailure(error)
        }
        report(state, isJSON: arguments.flag("json"))
        return .ok
    }

    /// `perigee firmware rollback`.
    static func rollBack(_ arguments: Arguments) throws(CommandFailure) -> ExitCode {
        let store = SlotStore(directory: arguments.text("slots") ?? "", keys: TrustedKeys([]))
        do throws(RolloutError) {
            report(try store.rollBack(now: currentTime().utc), isJSON: arguments.flag("json"))
        } catch { throw CommandFailure(error) }
        return .ok
    }

    private static func report(_ state: SlotState, isJSON: Bool) {
        guard !isJSON else { return Terminal.print(state.json.indented) }
        Terminal.print("serves: \(name(state.active, state))")
        if let trial = state.trial {
            Terminal.print(
                "tried:  \(name(.slot(trial.slot), state)), \(trial.frames) of \(SlotState.frameGoal) frames, start "
                    + "\(trial.starts) of \(SlotState.startLimit)")
        }
        if let previous = state.previous { Terminal.print("before: \(name(previous, state))") }
        for failure in state.failures {
            Terminal.print("failed: \(failure.release.text) at \(failure.time.rfc3339): \(failure.reason)")
        }
    }

    private static func name(_ source: BundleSource, _ state: SlotState) -> String {
        guard case .slot(let slot) = source else { return "the bundle of the package" }
        return "\(state.release(slot)?.text ?? "nothing"), slot \(slot.rawValue)"
    }
}

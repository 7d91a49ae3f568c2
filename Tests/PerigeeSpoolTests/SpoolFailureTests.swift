import Glibc
import PerigeeCore
import PerigeeSpool
import PerigeeTestSupport
import Testing

@Suite("Failed commits", .timeLimit(.minutes(10)))
struct SpoolFailureTests {
    @Test("after a commit of unknown fate nothing works until the spool is opened anew, which decides")
    func unknownFate() async {
        // In a process of its own: the limit on file sizes, which makes the log's writes fail, holds for all of it.
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            signal(SIGXFSZ, SIG_IGN)
            var spool = try openSpool(folder)
            var committed = 0
            var failure: SpoolError?
            for number in 0..<10 {
                _ = try spool.append(frame(UInt64(number), sizes: [[8_000]]))
                try spool.commit()
                committed += 1
            }
            limitFiles(64 << 10)
            while failure == nil, committed < 1_000 {
                do throws(SpoolError) {
                    _ = try spool.append(frame(UInt64(committed), sizes: [[8_000]]))
                    try spool.commit()
                    committed += 1
                } catch { failure = error }
            }
            guard case .unknownFate? = failure else { exit(2) }
            do throws(SpoolError) {
                _ = try spool.append(frame(9_999))
                exit(3)
            } catch { if case .failedBefore = error {} else { exit(4) } }
            limitFiles(nil)
            let epoch = spool.epoch
            _ = consume spool
            var again = try openSpool(folder)
            let state = try again.state(epoch)
            // The commit that failed is there as a whole, or not at all.
            guard state.heldCount == committed || state.heldCount == committed + 1,
                state.next == UInt64(state.heldCount) + 1, again.nextFrame == UInt64(state.heldCount),
                again.ledger.spooled == state.heldCount, try again.all(epoch, priority: 2).count == state.heldCount
            else { exit(5) }
            exit(0)
        }
    }
}

/// The size that files of this process may have; nil for any.
private func limitFiles(_ size: Int?) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = size.map { rlim_t($0) } ?? limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}

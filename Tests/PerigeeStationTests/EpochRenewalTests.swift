import PerigeeCore
import PerigeeService
import PerigeeSpool
import PerigeeStation
import PerigeeTestSupport
import Testing

@Suite("Renewal of epochs")
struct EpochRenewalTests {
    @Test(
        "an epoch with too many declarations is renewed at the start, one with fewer is not", arguments: [8_190, 8_191])
    func renews(last: Int) throws {
        let folder = try TemporaryFolder()
        let now = Timestamp(milliseconds: 0)
        var configuration = SpoolConfiguration()
        configuration.ballast = 0
        var spool = try Spool(directory: folder.file("spool"), configuration: configuration, now: now, machine: "here")
        for number in [0, last] {
            let declaration = SpoolDeclaration(number: number, packet: [1, 2, 3])
            _ = try spool.append(
                SpoolFrame(
                    number: UInt64(number), label: "cam", priority: 2, rawSize: 1, stored: now,
                    declaration: declaration, layers: [[[1, 2, 3, 4]]]))
        }
        try spool.commit()
        let old = spool.epoch
        let lines = try LogLines()
        try spool.renewWhereWorn(ServiceLog(descriptor: lines.writer))
        let isRenewed = last == 8_191
        let declarations = try spool.declarations().count
        let epochs = try spool.epochs().count
        #expect((spool.epoch != old) == isRenewed)
        #expect(declarations == (isRenewed ? 0 : 2))
        #expect(epochs == (isRenewed ? 2 : 1))
        let held = try spool.state(old).heldCount
        #expect(held == 4)
    }
}

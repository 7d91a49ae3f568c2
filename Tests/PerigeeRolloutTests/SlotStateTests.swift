import PerigeeCore
import PerigeeFirmware
import PerigeeRollout
import PerigeeTestSupport
import Testing

@Suite("state of the slots as text")
struct SlotStateTests {
    private func full() throws -> SlotState {
        let key = SigningKeyID(number: 77)
        var state = SlotState()
        let release = SlotState.Release(id: 0xFEED_0001, name: "perigee-1", version: 8, key: key)
        state.finishWriting(.a, release)
        state.beginTrial(.a)
        state.commitTrial()
        for _ in 0..<10 {
            let slot = state.beginWriting()
            state.finishWriting(slot, SlotState.Release(id: 2, name: "next", version: 9, key: key))
            state.beginTrial(slot)
            #expect(state.start(try moment(1)))
            if slot == .b, state.failures.count < 9 { state.failTrial("a \"reason\"\n", try moment(2)) }
        }
        return state
    }

    @Test("it comes back from its text, and remembers eight failures")
    func roundTrip() throws {
        let state = try full()
        #expect(state.failures.count == 8)
        #expect(SlotState(parsing: state.octets) == state)
        #expect(SlotState(parsing: SlotState().octets) == SlotState())
    }

    @Test("cut or changed anywhere it is no state")
    func damaged() throws {
        let octets = try full().octets
        for count in 0..<octets.count - 2 { #expect(SlotState(parsing: Array(octets.prefix(count))) == nil) }
        let state = try full()
        for index in octets.indices {
            var changed = octets
            changed[index] ^= 2
            // white space between the parts says nothing
            let parsed = SlotState(parsing: changed)
            #expect(parsed == nil || parsed == state, "octet \(index)")
        }
    }
}

/// Waits until `isSo`, looking each 10 ms, and holds no thread of the pool meanwhile: there are only as many as cores, and
/// tests that hold them stop all others. What never comes ends with the test's time limit.
public func wait(until isSo: () throws -> Bool) async throws {
    while try !isSo() { try await Task.sleep(for: .milliseconds(10)) }
}

/// Stops the process on a programmer's error, with its text also in release builds (`precondition` prints none there).
public func invariant(_ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String) {
    if !condition() { fatalError(message()) }
}

/// Stops the process on a programmer's error, with its text also in release builds (`precondition` prints none there).
public func invariant(_ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String) {
    if !condition() { fatalError(message()) }
}

/// The value; stops the process where there is none, which only a programmer's error can bring about.
public func invariant<Value>(_ value: Value?, _ message: @autoclosure () -> String) -> Value {
    guard let value else { fatalError(message()) }
    return value
}

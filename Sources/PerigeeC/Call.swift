/// What a C function gives back: a count, or this where it failed.
let failure: Int64 = -1

/// A failure of the binding itself: pointers or sizes that cannot be.
struct CallError: Error, CustomStringConvertible {
    let description: String
}

/// Runs `body`; where it throws, its text goes to `message` (cut to `capacity`, ended by 0) and the result is `failure`.
func call(
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ body: () throws -> Int
) -> Int64 {
    do { return Int64(try body()) } catch {
        write("\(error)", message, capacity)
        return failure
    }
}

/// As above for functions that give a handle; nil where it fails.
func callForHandle(
    _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int, _ body: () throws -> AnyObject
) -> UnsafeMutableRawPointer? {
    do { return Unmanaged.passRetained(try body()).toOpaque() } catch {
        write("\(error)", message, capacity)
        return nil
    }
}

private func write(_ text: String, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int) {
    guard let message, capacity > 0 else { return }
    let octets = text.utf8.prefix(capacity - 1)
    for (index, octet) in octets.enumerated() { message[index] = CChar(bitPattern: octet) }
    message[octets.count] = 0
}

/// The object behind a handle that this library gave out as this type.
func object<Object: AnyObject>(_ handle: UnsafeMutableRawPointer?, as type: Object.Type) throws -> Object {
    guard let handle else { throw CallError(description: "the handle is null") }
    // handles carry no type: the Python side keeps them apart
    guard let object = Unmanaged<AnyObject>.fromOpaque(handle).takeUnretainedValue() as? Object else {
        throw CallError(description: "the handle is of another kind")
    }
    return object
}

/// Octets that the caller lends, copied.
func octets(_ pointer: UnsafePointer<UInt8>?, _ size: Int, _ name: String) throws -> [UInt8] {
    guard size >= 0, pointer != nil || size == 0 else { throw CallError(description: "\(name) is null") }
    return Array(UnsafeBufferPointer(start: pointer, count: size))
}

/// Frees what a `perigee_…_open` function gave.
@_cdecl("perigee_close")
public func close(_ handle: UnsafeMutableRawPointer?) {
    guard let handle else { return }
    Unmanaged<AnyObject>.fromOpaque(handle).release()
}

public import PerigeeFirmware

/// The files of a slot store. Names are relative to its folder. Nothing is durable before it was synced: a file's octets by its
/// own name, a name by that of its folder.
public protocol SlotFiles: Sendable {
    /// Octets of a file; nil where there is none.
    func read(_ name: String, limit: Int) throws(FirmwareError) -> [UInt8]?
    /// Makes a new file with these octets. One that had the name before is never written into: it may have another name too.
    func write(_ octets: [UInt8], to name: String) throws(FirmwareError)
    /// Makes a file's octets, or a folder's names, durable. An empty name is the store's folder.
    func sync(_ name: String) throws(FirmwareError)
    /// Takes the place of what has the other name.
    func rename(_ name: String, to other: String) throws(FirmwareError)
    /// Removes a file; none is no error.
    func remove(_ name: String) throws(FirmwareError)
    /// Makes a folder; one that is there is no error.
    func makeFolder(_ name: String) throws(FirmwareError)
    /// What lies in a folder; nothing where there is none.
    func names(in folder: String) throws(FirmwareError) -> [String]
    /// Runs `body` while no other process does.
    func exclusively<Value>(_ body: () throws(RolloutError) -> Value) throws(RolloutError) -> Value
}

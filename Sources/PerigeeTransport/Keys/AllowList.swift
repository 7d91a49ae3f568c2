internal import PerigeeConcurrency

/// Who may connect to one kind of socket: a folder of `NAME.pub` files, read anew each second. An `Admission` makes and keeps
/// it. Safe to use from any thread.
public final class AllowList: Sendable {
    /// The list now, and what it did.
    public struct Snapshot: Equatable, Sendable {
        /// Names that may come in.
        public var names: Set<String> = []
        /// Files that cannot be used, and why.
        public var problems: [String] = []
        /// Connections let in and refused since the start.
        public var admitted = 0
        public var denied = 0
    }

    private struct State: Sendable {
        var directory: KeyDirectory
        var admitted = 0
        var denied = 0
    }

    /// What sockets call it: the domain of ZAP.
    public let name: String
    private let state: Locked<State>

    init(name: String, directory: String) {
        self.name = name
        state = Locked(State(directory: KeyDirectory(path: directory)))
        _ = reload()
    }

    /// The list now, and what it did.
    public var snapshot: Snapshot {
        state.withLock {
            Snapshot(
                names: Set($0.directory.names.values), problems: $0.directory.problems, admitted: $0.admitted,
                denied: $0.denied)
        }
    }

    /// Whose key it is now; nil for nobody's.
    public func name(of key: PublicKey) -> String? { state.withLock { $0.directory.names[key] } }

    /// Who may have sent this now: nil where the sender's key is on the list no more, or never was. libzmq cuts no connection
    /// whose key was taken from the list, so each message is to be looked at.
    public func sender(of message: IdentifiedMessage) -> String? {
        guard let name = message.name, let key = message.key, self.name(of: key) == name else { return nil }
        return name
    }

    /// Whose key it is now, counted as one connection.
    func admit(_ key: PublicKey) -> String? {
        state.withLock { state in
            let name = state.directory.names[key]
            if name == nil { state.denied += 1 } else { state.admitted += 1 }
            return name
        }
    }

    /// Only the admission's thread calls it: files are read outside of the lock.
    func reload() -> Bool {
        var directory = state.withLock { $0.directory }
        let isChanged = directory.reload()
        state.withLock { [directory] in $0.directory = directory }
        return isChanged
    }
}

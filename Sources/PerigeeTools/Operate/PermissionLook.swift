import Glibc
import PerigeeCommandLine
import PerigeeConfig
import PerigeeFirmware
import PerigeeTransport

/// Whose the station's files are to be: the user of the unit, or whoever looks where there is no such user.
struct ServiceUser {
    let name: String
    let identity: uid_t

    init() {
        if let entry = getpwnam("perigee") {
            name = "perigee"
            identity = entry.pointee.pw_uid
        } else {
            identity = geteuid()
            name = getpwuid(identity).map { String(cString: $0.pointee.pw_name) } ?? "\(identity)"
        }
    }
}

/// Do folders and keys belong to whom they must, and can nobody else change them?
struct PermissionLook {
    private let user: ServiceUser

    init(_ user: ServiceUser) { self.user = user }

    func look(_ configuration: StationConfiguration) -> [Finding] {
        var findings = [
            folder("spool folder", configuration.spool.directory, isOwn: true),
            folder("firmware slots", configuration.firmwareSlotsDirectory, isOwn: true),
            folder("key folder", configuration.firmwareKeysDirectory, isOwn: false),
        ]
        if KeyFile.isThere(configuration.secretFile) { findings.append(secret(configuration.secretFile)) }
        if KeyFile.isThere(configuration.gatewayKeyFile) {
            findings.append(file("gateway key", configuration.gatewayKeyFile))
        }
        for folder in configuration.intakes.compactMap(\.sourcesDirectory) {
            findings.append(self.folder("keys of sources", folder, isOwn: false))
        }
        return findings
    }

    /// `isOwn`: the daemon writes there; else it only reads.
    private func folder(_ subject: String, _ path: String, isOwn: Bool) -> Finding {
        guard let status = status(path) else {
            // a first start makes it
            return isOwn && errno == ENOENT
                ? .unknown(subject, "there is no \(path) yet", "look again after the daemon's first start")
                : missing(subject, path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return .bad(subject, "\(path) is no folder", "move it away: the daemon makes the folder")
        }
        let owners = isOwn ? [user.identity] : [0, user.identity]
        guard owners.contains(status.st_uid) else {
            return .bad(
                subject, "\(path) belongs to \(owner(status))",
                "chown -R \(isOwn ? user.name : "root") \(path)")
        }
        // what others may write there they may replace
        guard status.st_mode & 0o022 == 0 else {
            return .bad(subject, "\(path) can be changed by others (mode \(mode(status)))", "chmod go-w \(path)")
        }
        guard !isOwn || status.st_mode & 0o005 == 0 else {
            return .warning(subject, "\(path) can be read by everybody (mode \(mode(status)))", "chmod o-rx \(path)")
        }
        return .good(subject, "\(path) belongs to \(owner(status)), mode \(mode(status))")
    }

    private func secret(_ path: String) -> Finding {
        guard let status = status(path) else { return missing("secret key", path) }
        guard [0, user.identity].contains(status.st_uid) else {
            return .bad("secret key", "\(path) belongs to \(owner(status))", "chown root \(path)")
        }
        guard status.st_mode & 0o077 == 0 else {
            return .bad(
                "secret key", "\(path) is open to others (mode \(mode(status)))",
                "chmod 600 \(path), and make another pair if others were on this machine: `perigee keys rotate`")
        }
        return .good("secret key", "\(path) belongs to \(owner(status)) alone")
    }

    private func file(_ subject: String, _ path: String) -> Finding {
        guard let status = status(path) else { return missing(subject, path) }
        guard [0, user.identity].contains(status.st_uid), status.st_mode & 0o022 == 0 else {
            return .bad(
                subject, "\(path) can be changed by others (owner \(owner(status)), mode \(mode(status)))",
                "chown root \(path) && chmod 644 \(path), and compare it with the gateway's")
        }
        return .good(subject, "\(path) belongs to \(owner(status)), mode \(mode(status))")
    }

    private func missing(_ subject: String, _ path: String) -> Finding {
        let reason = String(cString: strerror(errno))
        return errno == EACCES
            ? .unknown(subject, "\(path) cannot be looked at: \(reason)", "run it as root")
            : .warning(subject, "\(path): \(reason)", "make it, or correct its name in the configuration")
    }

    private func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    private func owner(_ status: stat) -> String {
        getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(status.st_uid)"
    }

    private func mode(_ status: stat) -> String { String(status.st_mode & 0o7777, radix: 8) }
}

/// Are the keys there that the link and the firmware need?
enum KeyLook {
    static func look(_ configuration: StationConfiguration) -> [Finding] {
        configuration.gateways.map { link($0, configuration) } + [firmware(configuration)]
    }

    private static func link(_ gateway: StationGateway, _ configuration: StationConfiguration) -> Finding {
        let hasOwn = KeyFile.isThere(configuration.secretFile)
        let isNeeded = Endpoint.isRoutable(gateway.endpoint) && !gateway.isInsecure
        switch (hasOwn, gateway.keyFile != nil) {
        case (true, true): break
        case (false, false) where !isNeeded:
            return .good("link keys", "none, and none are needed for \(gateway.endpoint)")
        case (false, _):
            return .bad("link keys", "there is no \(configuration.secretFile)", "`perigee keys gen station` makes it")
        case (true, false):
            return missing(gateway, configuration)
        }
        do throws(KeyError) {
            let servers = try gateway.servers()
            let own = try KeyFile.readSecret(configuration.secretFile)
            return .good(
                "link keys",
                "own key \(own.publicKey.text), \(servers.count) of \(gateway.endpoint): the gateway must have allowed it"
            )
        } catch {
            if case .file(_, _, let code) = error, code == EACCES {
                return .unknown("link keys", "\(error)", "run it as root")
            }
            return .bad("link keys", "\(error)", "mend the file, or make keys anew with `perigee keys`")
        }
    }

    private static func missing(_ gateway: StationGateway, _ configuration: StationConfiguration) -> Finding {
        if gateway.endpoint == configuration.gatewayEndpoint {
            return .bad(
                "link keys", "there is no \(configuration.gatewayKeyFile)",
                "copy gateway.pub from the gateway's /etc/perigee/keys to it")
        }
        if gateway.isInsecure || !Endpoint.isRoutable(gateway.endpoint) {
            return .good("link keys", "\(gateway.endpoint) is greeted in the clear, as the configuration says")
        }
        return .bad(
            "link keys", "no key of \(gateway.endpoint) is named",
            "copy gateway.pub from that gateway, and name it as key beside \(gateway.field)")
    }

    private static func firmware(_ configuration: StationConfiguration) -> Finding {
        let folder = configuration.firmwareKeysDirectory
        do throws(FirmwareError) {
            let count = try TrustedKeys(directory: folder).keys.count
            return count > 0
                ? .good("firmware keys", "\(count) in \(folder)")
                : .warning(
                    "firmware keys", "none in \(folder): no firmware can be installed",
                    "put the *.pub of who signs your bundles there")
        } catch {
            return .warning("firmware keys", "\(error)", "put the *.pub of who signs your bundles there")
        }
    }
}

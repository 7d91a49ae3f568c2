import PerigeeFirmware
import PerigeeTestSupport
import Testing

@Suite("signatures in minisign's format")
struct SigningTests {
    private static let message = Array("what is signed".utf8)
    private static let cheap = SigningSecretKey.Costs(operations: 32_768, memory: 16 << 20)

    private func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func signature(_ key: SigningSecretKey, _ message: [UInt8] = message) throws -> DetachedSignature {
        try #require(key.sign(message, trustedComment: "release 3"))
    }

    @Test("keys and signatures come back from their texts")
    func roundTrip() throws {
        let key = SigningSecretKey()
        let again = try SigningSecretKey(parsing: octets(key.text(password: nil)), password: nil)
        let publicKey = try SigningPublicKey(parsing: octets(key.publicKey.text))
        #expect(publicKey == key.publicKey)
        let signature = try DetachedSignature(parsing: octets(signature(again).text))
        #expect(signature.trustedComment == "release 3")
        try publicKey.verify(signature, of: Self.message)
    }

    @Test("an encrypted key opens with its password only")
    func encrypted() throws {
        let key = SigningSecretKey()
        let text = octets(try key.text(password: octets("meadow"), costs: Self.cheap))
        #expect(try SigningSecretKey(parsing: text, password: octets("meadow")).publicKey == key.publicKey)
        #expect(throws: SignatureProblem.wrongPassword) {
            try SigningSecretKey(parsing: text, password: octets("Meadow"))
        }
        #expect(throws: SignatureProblem.passwordNeeded) { try SigningSecretKey(parsing: text, password: nil) }
    }

    @Test("what was changed by one bit is not what was signed")
    func wrong() throws {
        let key = SigningSecretKey()
        let signature = try signature(key)
        for index in Self.message.indices {
            var changed = Self.message
            changed[index] ^= 1
            #expect(throws: SignatureProblem.wrong(key.publicKey.id)) {
                try key.publicKey.verify(signature, of: changed)
            }
        }
    }

    @Test("a changed trusted comment is refused")
    func comment() throws {
        let key = SigningSecretKey()
        let text = try signature(key).text.replacing("release 3", with: "release 4")
        let changed = try DetachedSignature(parsing: octets(text))
        #expect(throws: SignatureProblem.wrongComment(key.publicKey.id)) {
            try key.publicKey.verify(changed, of: Self.message)
        }
    }

    @Test("a key that is not trusted is refused by its number, also under a trusted number")
    func otherKey() throws {
        let (key, other) = (SigningSecretKey(), SigningSecretKey())
        let text = octets(try signature(other).text)
        #expect(
            throws: FirmwareError.signature(file: "x", .unknownKey(other.publicKey.id))
        ) { try TrustedKeys([key.publicKey]).verify(Self.message, signature: text, file: "x") }
        #expect(
            try TrustedKeys([key.publicKey, other.publicKey]).verify(Self.message, signature: text, file: "x")
                == other.publicKey.id)
    }

    @Test("no bit of a signature can change unnoticed, whatever the key", arguments: 0..<8)
    func flipped(_: Int) throws {
        let key = SigningSecretKey()
        let text = octets(try signature(key).text)
        // the first line is nobody's: `untrusted comment: …`
        let start = try #require(text.firstIndex(of: 10))
        for index in start..<text.count - 1 {
            for bit in 0..<8 {
                var changed = text
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: FirmwareError.self, "octet \(index), bit \(bit)") {
                    try TrustedKeys([key.publicKey]).verify(Self.message, signature: changed, file: "x")
                }
            }
        }
    }

    @Test("texts cut anywhere are refused, and never trap")
    func cut() throws {
        let key = SigningSecretKey()
        let (signature, publicKey) = (octets(try signature(key).text), octets(key.publicKey.text))
        let secret = octets(try key.text(password: nil))
        for count in 0..<signature.count - 1 {
            #expect(throws: SignatureProblem.self) { try DetachedSignature(parsing: Array(signature.prefix(count))) }
        }
        for count in 0..<publicKey.count - 1 {
            #expect(throws: SignatureProblem.self) { try SigningPublicKey(parsing: Array(publicKey.prefix(count))) }
        }
        for count in 0..<secret.count - 1 {
            #expect(throws: SignatureProblem.self) {
                try SigningSecretKey(parsing: Array(secret.prefix(count)), password: nil)
            }
        }
    }

    @Test("a file that is too long, has too many lines or strange comments is refused")
    func malformed() throws {
        let text = try signature(SigningSecretKey()).text
        for bad in [
            text + text, text + String(repeating: "a", count: 20_000),
            text.replacing("untrusted comment", with: "comment"), text.replacing("release", with: "\u{7}"),
            text.replacing("trusted comment: r", with: "trusted: r"),
        ] {
            #expect {
                try DetachedSignature(parsing: octets(bad))
            } throws: { error in
                guard case .malformed? = error as? SignatureProblem else { return false }
                return true
            }
        }
        #expect(SigningSecretKey().sign([], trustedComment: "two\nlines") == nil)
        #expect(SigningSecretKey().sign([], trustedComment: String(repeating: "a", count: 8_192)) == nil)
    }

    @Test("a key that would take more memory than minisign's is refused before it is tried")
    func costs() throws {
        let key = SigningSecretKey()
        #expect(throws: SignatureProblem.tooCostly(memory: 2 << 30, limit: 1 << 30)) {
            try key.text(password: octets("a"), costs: .init(operations: 32_768, memory: 2 << 30))
        }
    }

    @Test("a number is shown as minisign shows it and read again")
    func number() {
        let id = SigningKeyID(number: 0xA9BA_F90D_379D_B4)
        #expect(id.description == "00A9BAF90D379DB4")
        #expect(SigningKeyID(id.description) == id)
        #expect(SigningKeyID("A9BAF90D379DB4") == nil)
        #expect(SigningKeyID("+0A9BAF90D379DB4") == nil)
    }

    @Test("keys of a folder are read; a damaged one is an error, other files are none of them")
    func folder() throws {
        let directory = try TemporaryDirectory()
        let keys = [SigningSecretKey().publicKey, SigningSecretKey().publicKey]
        try directory.write(octets(keys[0].text), to: "a.pub")
        try directory.write(octets(keys[1].text), to: "b.pub")
        try directory.write([1, 2], to: "notes.txt")
        #expect(try TrustedKeys(directory: directory.path).keys == keys)
        try directory.write([1, 2], to: "c.pub")
        #expect {
            try TrustedKeys(directory: directory.path)
        } throws: { "\($0)".contains("c.pub") }
    }

    @Test("minisign accepts what we sign, with our keys", .enabled(if: Minisign.isExpected))
    func theyRead() throws {
        let directory = try TemporaryDirectory()
        let key = SigningSecretKey()
        try directory.write(Self.message, to: "file")
        try directory.write(octets(try signature(key).text), to: "file.minisig")
        try directory.write(octets(key.publicKey.text), to: "key.pub")
        #expect(try Minisign.run(["-V", "-H", "-p", "key.pub", "-m", "file"], in: directory.path))
        #expect(try Minisign.run(["-V", "-H", "-P", key.publicKey.line, "-m", "file"], in: directory.path))
        try directory.write(Self.message + [0], to: "file")
        #expect(try !Minisign.run(["-V", "-H", "-p", "key.pub", "-m", "file"], in: directory.path))
    }

    @Test("minisign signs with our secret keys, encrypted or not", .enabled(if: Minisign.isExpected))
    func theySign() throws {
        let directory = try TemporaryDirectory()
        let key = SigningSecretKey()
        try directory.write(Self.message, to: "file")
        try directory.write(octets(try key.text(password: nil)), to: "plain.key")
        try directory.write(octets(try key.text(password: octets("meadow"), costs: Self.cheap)), to: "sealed.key")
        for (file, input) in [("plain.key", ""), ("sealed.key", "meadow\n")] {
            #expect(
                try Minisign.run(
                    ["-S", "-s", file, "-m", "file", "-x", "\(file).sig"], in: directory.path, input: input))
            let made = try BundleFixture.read("\(directory.path)/\(file).sig")
            #expect(
                try TrustedKeys([key.publicKey]).verify(Self.message, signature: made, file: file) == key.publicKey.id)
        }
    }

    @Test("we accept minisign's keys and signatures, and refuse its legacy form", .enabled(if: Minisign.isExpected))
    func weRead() throws {
        let directory = try TemporaryDirectory()
        try directory.write(Self.message, to: "file")
        #expect(try Minisign.run(["-G", "-W", "-p", "key.pub", "-s", "key.sec"], in: directory.path))
        let sign = ["-S", "-s", "key.sec", "-m", "file", "-t", "their comment"]
        #expect(try Minisign.run(sign + ["-x", "hashed"], in: directory.path))
        #expect(try Minisign.run(sign + ["-l", "-x", "legacy"], in: directory.path))
        let publicKey = try TrustedKeys.key(file: "\(directory.path)/key.pub")
        let secretKey = try SigningSecretKey(
            parsing: BundleFixture.read("\(directory.path)/key.sec"), password: nil)
        #expect(secretKey.publicKey == publicKey)
        let hashed = try DetachedSignature(parsing: BundleFixture.read("\(directory.path)/hashed"))
        #expect(hashed.trustedComment == "their comment")
        try publicKey.verify(hashed, of: Self.message)
        #expect(throws: SignatureProblem.legacy) {
            try DetachedSignature(parsing: BundleFixture.read("\(directory.path)/legacy"))
        }
    }
}

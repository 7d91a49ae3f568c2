import CSodium
import PerigeeCore

/// The few functions of libsodium that signing needs.
enum Sodium {
    /// libsodium chose its implementations and opened its source of random octets; asking again costs nothing.
    private static let isReady = sodium_init() >= 0

    /// Random octets of the system.
    static func random(_ size: Int) -> [UInt8] {
        invariant(isReady, "libsodium finds no source of random octets")
        var octets = [UInt8](repeating: 0, count: size)
        randombytes_buf(&octets, size)
        return octets
    }

    /// BLAKE2b of `bytes`, unkeyed, of 16 to 64 octets.
    static func blake2b(_ bytes: [UInt8], size: Int) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: size)
        _ = crypto_generichash(&digest, size, bytes, UInt64(bytes.count), nil, 0)
        return digest
    }

    /// A new pair: 32 octets and 64.
    static func keyPair() -> (publicKey: [UInt8], secretKey: [UInt8]) {
        invariant(isReady, "libsodium finds no source of random octets")
        var secret = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        var key = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        _ = crypto_sign_keypair(&key, &secret)
        return (key, secret)
    }

    /// The 64 octets of an Ed25519 signature.
    static func sign(_ message: [UInt8], with secretKey: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Int(crypto_sign_BYTES))
        _ = crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
        return signature
    }

    static func verify(_ signature: [UInt8], of message: [UInt8], with publicKey: [UInt8]) -> Bool {
        crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
    }

    /// The public half of a secret key, made anew from its seed.
    static func publicKey(of secretKey: [UInt8]) -> [UInt8] {
        var secret = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        var key = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        _ = crypto_sign_seed_keypair(&key, &secret, Array(secretKey.prefix(Int(crypto_sign_SEEDBYTES))))
        return key
    }

    /// scrypt with libsodium's costs; nil where there is no memory for it.
    static func stretch(_ password: [UInt8], salt: [UInt8], size: Int, operations: UInt64, memory: Int) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: size)
        let text = password.map { CChar(bitPattern: $0) } + [0]
        let status = crypto_pwhash_scryptsalsa208sha256(
            &octets, UInt64(size), text, UInt64(password.count), salt, operations, memory)
        return status == 0 ? octets : nil
    }
}

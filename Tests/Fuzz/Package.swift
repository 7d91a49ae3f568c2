// swift-tools-version: 6.2
import PackageDescription

// One executable an untrusted entry point. A package of its own, so that its sanitizers never reach the daemons.
// `make fuzz TIME=60` builds and runs all of them; a crash becomes a vector in Corpus/.

let targets = [
    "FuzzPacket", "FuzzTokenFile", "FuzzTokens", "FuzzDecode", "FuzzLinkMessage", "FuzzFrameHeader", "FuzzFrame",
    "FuzzManifest", "FuzzPackedBundle", "FuzzSafetensors", "FuzzSignature", "FuzzConfiguration",
]

let package = Package(
    name: "perigee-fuzz",
    products: targets.map { .executable(name: $0, targets: [$0]) },
    dependencies: [.package(name: "perigee", path: "../..")],
    targets: targets.map { target in
        .executableTarget(
            name: target, dependencies: [.product(name: "PerigeeUntrusted", package: "perigee")],
            // libFuzzer brings main()
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    },
    swiftLanguageModes: [.v6]
)

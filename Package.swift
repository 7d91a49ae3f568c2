// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Targets and arrows are explained in Docs/architecture.md; `make lint` checks this graph against Scripts/dependency-table.txt.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A module's README stands beside its sources and is none of them.
func readme(_ target: String) -> [String] {
    FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/Sources/\(target)/README.md")
        ? ["README.md"] : []
}

func swift(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, exclude: readme(name), swiftSettings: strict)
}

func main(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func test(_ target: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(target)Tests",
        dependencies: Array(Set([target, "PerigeeCore", "PerigeeTestSupport"])).sorted().map { .byName(name: $0) }
            + dependencies,
        swiftSettings: strict)
}

let package = Package(
    name: "perigee",
    products: [
        .executable(name: "perigeed", targets: ["perigeed"]),
        .executable(name: "perigee-gateway", targets: ["perigee-gateway"]),
        .executable(name: "perigee", targets: ["perigee"]),
        .executable(name: "perigee-imagery", targets: ["perigee-imagery"]),
        .library(name: "PerigeeC", type: .dynamic, targets: ["PerigeeC"]),
        // for Tests/Fuzz, a package of its own
        .library(
            name: "PerigeeUntrusted",
            targets: [
                "PerigeeCore", "PerigeeCodec", "PerigeeConfig", "PerigeeFirmware", "PerigeeFrameFormat", "PerigeeLink",
            ]),
    ],
    targets: [
        // C: system libraries, our kernels, one C++ shim
        .systemLibrary(name: "CBLAS"),
        .systemLibrary(name: "CZstd"),
        .systemLibrary(name: "CSodium"),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "CZeroMQ"),
        .systemLibrary(name: "CMicroHTTPD"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CGDAL"),
        // -O3 also in debug builds: the kernels are leaves, and tests run them on whole frames.
        // -ffp-contract=off: the strict path must not fuse multiply and add (Docs/packet-format.md, "Strict arithmetic").
        .target(
            name: "CPerigeeKernels", exclude: readme("CPerigeeKernels"),
            cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"])]),
        // the files of Sources/PerigeePage/Parts, embedded
        .target(name: "CPerigeePage", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .target(name: "CToml", cxxSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra"])]),

        // bottom
        swift("PerigeeConcurrency", []),
        swift("PerigeeJSON", []),
        // libm by hand: nothing that Core imports brings it
        .target(name: "PerigeeCore", swiftSettings: strict, linkerSettings: [.linkedLibrary("m")]),
        swift("PerigeeCommandLine", ["PerigeeCore"]),

        // pure
        swift("PerigeeCompression", ["PerigeeCore", "CZstd"]),
        swift("PerigeeCodec", ["PerigeeCore", "PerigeeCompression", "PerigeeConcurrency", "CPerigeeKernels", "CBLAS"]),
        swift("PerigeeFirmware", ["PerigeeCore", "PerigeeJSON", "CSodium"]),
        swift("PerigeeFrameFormat", ["PerigeeCore", "PerigeeCompression", "PerigeeJSON"]),
        swift("PerigeeLink", ["PerigeeCore"]),
        .target(
            name: "PerigeePage", dependencies: ["CPerigeePage", "PerigeeFirmware"],
            exclude: readme("PerigeePage") + ["Parts"], swiftSettings: strict),
        swift("PerigeeQuality", ["PerigeeCore"]),
        swift("PerigeeRollout", ["PerigeeCore", "PerigeeCodec", "PerigeeFirmware", "PerigeeJSON"]),
        swift("PerigeeSimulator", ["PerigeeCore"]),
        swift("PerigeeControl", ["PerigeeCore", "PerigeeJSON"]),
        swift("PerigeeMetrics", ["PerigeeCore", "PerigeeJSON"]),

        // edges
        swift("PerigeeHTTP", ["CMicroHTTPD", "PerigeeConcurrency"]),
        swift("PerigeeConfig", ["PerigeeCore", "PerigeeJSON", "CToml"]),
        swift("PerigeeRaster", ["PerigeeCore", "CGDAL"]),
        swift("PerigeeSQLite", ["PerigeeCore", "CSQLite"]),
        swift("PerigeeSpool", ["PerigeeCore", "PerigeeJSON", "PerigeeSQLite"]),
        swift("PerigeeMemory", ["PerigeeCore", "PerigeeSQLite"]),
        swift("PerigeeTransport", ["PerigeeCore", "PerigeeLink", "PerigeeConcurrency", "CZeroMQ"]),
        swift("PerigeeService", ["PerigeeCore", "PerigeeConcurrency", "PerigeeConfig", "CLinux"]),

        // compose
        swift("PerigeeArchive", ["PerigeeCore", "PerigeeConcurrency", "PerigeeJSON", "PerigeeSQLite"]),
        swift(
            "PerigeeProducts",
            ["PerigeeCore", "PerigeeArchive", "PerigeeCodec", "PerigeeFirmware", "PerigeeJSON", "PerigeeRaster"]),
        swift(
            "PerigeeStation",
            [
                "PerigeeCore", "PerigeeConcurrency", "PerigeeCodec", "PerigeeCompression", "PerigeeConfig",
                "PerigeeControl", "PerigeeFirmware", "PerigeeFrameFormat", "PerigeeJSON", "PerigeeLink",
                "PerigeeHTTP", "PerigeeMemory", "PerigeeMetrics", "PerigeePage", "PerigeeRollout", "PerigeeService",
                "PerigeeSpool", "PerigeeTransport",
            ]),
        swift(
            "PerigeeGateway",
            [
                "PerigeeCore", "PerigeeConcurrency", "PerigeeArchive", "PerigeeConfig", "PerigeeFirmware",
                "PerigeeJSON", "PerigeeLink", "PerigeeHTTP", "PerigeeMemory", "PerigeeMetrics", "PerigeePage",
                "PerigeeService", "PerigeeTransport",
            ]),
        swift(
            "PerigeeTools",
            [
                "PerigeeCore", "PerigeeCommandLine", "PerigeeConcurrency", "PerigeeArchive", "PerigeeCodec",
                "PerigeeCompression", "PerigeeConfig", "PerigeeFirmware", "PerigeeFrameFormat", "PerigeeJSON",
                "PerigeeLink", "PerigeeRollout", "PerigeeService", "PerigeeSimulator", "PerigeeSpool",
                "PerigeeTransport",
            ]),
        // what of `perigee` needs GDAL: the station's package goes without (decision 0031)
        swift(
            "PerigeeImagery",
            [
                "PerigeeCore", "PerigeeCommandLine", "PerigeeCodec", "PerigeeConfig", "PerigeeFirmware",
                "PerigeeFrameFormat", "PerigeeJSON", "PerigeeArchive", "PerigeeProducts", "PerigeeQuality",
                "PerigeeRaster",
                "PerigeeSimulator", "PerigeeTools", "PerigeeTransport",
            ]),
        // a dynamic library that brings its own Swift runtime, so that Python needs nothing but this file
        .target(
            name: "PerigeeC", dependencies: ["PerigeeCore", "PerigeeCodec", "PerigeeFirmware", "PerigeeJSON"],
            exclude: readme("PerigeeC"), swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-stdlib"])]),

        // mains
        main(
            "perigeed",
            [
                "PerigeeCore", "PerigeeCommandLine", "PerigeeConfig", "PerigeeService", "PerigeeSpool",
                "PerigeeStation",
            ]),
        main(
            "perigee-gateway",
            [
                "PerigeeCommandLine", "PerigeeConcurrency", "PerigeeConfig", "PerigeeGateway", "PerigeeHTTP",
                "PerigeeService",
                "PerigeeTransport",
            ]),
        main("perigee", ["PerigeeCore", "PerigeeCommandLine", "PerigeeTools"]),
        main("perigee-imagery", ["PerigeeCommandLine", "PerigeeImagery", "PerigeeTools"]),

        // tests
        .target(
            name: "PerigeeTestSupport", dependencies: ["PerigeeCore"], path: "Tests/PerigeeTestSupport",
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "PerigeeCore", "PerigeeArchive", "PerigeeCodec", "PerigeeConcurrency", "PerigeeConfig",
                "PerigeeFirmware",
                "PerigeeFrameFormat", "PerigeeHTTP", "PerigeeJSON", "PerigeeGateway", "PerigeeMetrics",
                "PerigeeStation", "PerigeeLink", "PerigeeQuality", "PerigeeRaster",
                "PerigeeSpool", "PerigeeTestSupport", "PerigeeTransport",
            ],
            swiftSettings: strict),
        test("PerigeeCore"),
        test("PerigeeCodec", ["PerigeeFirmware", "PerigeeQuality", "PerigeeRaster"]),
        test("PerigeeFirmware"),
        test("PerigeeRollout", ["PerigeeCodec", "PerigeeFirmware"]),
        test("PerigeeCompression"),
        test("PerigeeConcurrency"),
        test("PerigeeCommandLine"),
        test("PerigeeLink"),
        test("PerigeeArchive"),
        test("PerigeeSpool", ["PerigeeSQLite"]),
        test("PerigeeMemory"),
        test(
            "PerigeeGateway",
            [
                "PerigeeArchive", "PerigeeConcurrency", "PerigeeFirmware", "PerigeeJSON", "PerigeeLink",
                "PerigeeMemory", "PerigeeTransport",
                "perigee-gateway",
            ]),
        test("PerigeeTransport", ["PerigeeLink"]),
        test("PerigeeRaster"),
        test("PerigeeFrameFormat", ["PerigeeJSON"]),
        test("PerigeeJSON"),
        test("PerigeeMetrics", ["PerigeeJSON"]),
        test("PerigeeHTTP", ["PerigeeConcurrency"]),
        test("PerigeeSimulator"),
        test("PerigeeControl", ["PerigeeCodec", "PerigeeFirmware", "PerigeeRaster", "PerigeeSimulator"]),
        test("PerigeeTools"),
        test("PerigeeImagery"),
        test("PerigeeQuality"),
        test("PerigeePage", ["PerigeeFirmware"]),
        test("PerigeeProducts", ["PerigeeArchive", "PerigeeCodec", "PerigeeFirmware", "PerigeeRaster"]),
        test("PerigeeConfig", ["PerigeeJSON"]),
        test("PerigeeService", ["PerigeeConcurrency"]),
        test(
            "PerigeeStation",
            [
                "PerigeeCodec", "PerigeeCompression", "PerigeeConcurrency", "PerigeeConfig", "PerigeeFirmware",
                "PerigeeFrameFormat", "PerigeeHTTP", "PerigeeJSON", "PerigeeMemory", "PerigeeMetrics", "PerigeeLink",
                "PerigeeRaster", "PerigeeRollout",
                "PerigeeService", "PerigeeSimulator", "PerigeeSpool", "PerigeeSQLite", "PerigeeTransport",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)

import Foundation
import PerigeeTestSupport
import Testing

/// A copy of the real `perigee` as it lies in an installation, with or without what works on rasters.
private struct Installation {
    private let folder: TemporaryFolder

    init(imagery script: String?) throws {
        folder = try TemporaryFolder()
        let files = FileManager.default
        for name in ["bin", "libexec"] {
            try files.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: Programs.folder + "/perigee", toPath: folder.file("bin/perigee"))
        guard let script else { return }
        #expect(
            files.createFile(
                atPath: folder.file("libexec/perigee-imagery"), contents: Data(script.utf8),
                attributes: [.posixPermissions: 0o755]))
    }

    func run(_ words: [String]) throws -> Programs.Outcome {
        try Programs.run(folder.file("bin/perigee"), words)
    }
}

@Test(
    "a raster command without its program says which package brings it",
    arguments: [
        ["encode", "a.tif", "-o", "b.pgt"], ["decode", "a.pgt", "-o", "b.tif"], ["compare", "a.tif", "b.tif"],
        ["publish", "a.tif"], ["render", "--archive", "a", "-o", "b"], ["demo"], ["simulate", "-o", "frames"],
    ])
func missingImagery(words: [String]) throws {
    let outcome = try Installation(imagery: nil).run(words)
    #expect(outcome.code == 69)
    #expect(outcome.errors.contains("\(words[0]) works on rasters"))
    #expect(outcome.errors.contains("install the package perigee-gateway"))
}

@Test("a raster command hands its words on as they are, and answers with the other's exit code")
func handsOn() throws {
    let installation = try Installation(imagery: "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 7\n")
    let outcome = try installation.run(["decode", "--layers", "2", "a b.pgt", "-o", "it's.tif"])
    #expect(outcome.code == 7)
    #expect(outcome.output == "<decode><--layers><2><a b.pgt><-o><it's.tif>")
}

@Test("a wrong line of a raster command is refused, and help is there, without its program")
func tableWithoutImagery() throws {
    let installation = try Installation(imagery: nil)
    let wrong = try installation.run(["encode", "--ratoi", "3", "a.tif", "-o", "b.pgt"])
    #expect(wrong.code == 64)
    #expect(wrong.errors.contains("did you mean --ratio?"))
    let help = try installation.run(["encode", "--help"])
    #expect(help.code == 0)
    #expect(help.output.contains("--max-error"))
}

@Test("simulated frames are sent without what works on rasters")
func simulatesWithoutImagery() throws {
    let folder = try TemporaryFolder()
    let outcome = try Installation(imagery: nil).run([
        "simulate", "--publish", "--rows", "16", "--columns", "16", "--wait", "1", "--endpoint",
        "ipc://\(folder.file("frames"))",
    ])
    #expect(outcome.code == 69)
    #expect(outcome.errors.contains("nobody took frames"), "\(outcome.errors)")
}

@Test("the program of rasters sends everything else back to perigee")
func notAnImageryCommand() throws {
    let outcome = try Programs.run(Programs.folder + "/perigee-imagery", ["keys", "show", "a.pub"])
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("run `perigee keys show`"))
}

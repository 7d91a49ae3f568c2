import Foundation
import PerigeeService
import PerigeeTestSupport
import Testing

@Test("a small file is replaced whole, and read within a limit")
func replaces() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("state")
    #expect(SmallFile.read(path, limit: 10) == nil)
    #expect(SmallFile.write([1, 2, 3], to: path))
    #expect(SmallFile.write([4, 5], to: path))
    #expect(SmallFile.read(path, limit: 2) == [4, 5])
    #expect(SmallFile.read(path, limit: 1) == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state"])
}

@Test("where it cannot be written the old one stays, and nothing lies beside it")
func keepsOld() throws {
    let folder = try TemporaryFolder()
    #expect(!SmallFile.write([1], to: folder.file("missing/state")))
    // a name under which a file can be written but not put in place
    try FileManager.default.createDirectory(atPath: folder.file("folder/inside"), withIntermediateDirectories: true)
    #expect(!SmallFile.write([1], to: folder.file("folder")))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["folder"])
    #expect(SmallFile.read(folder.file("folder"), limit: 10) == nil)
}

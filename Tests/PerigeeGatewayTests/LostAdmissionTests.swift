import Foundation
import PerigeeLink
import PerigeeTransport
import Testing

/// Preloaded: from the moment that a file exists, the thread that checks keys cannot wait for its socket any more.
private let preloaded = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/prctl.h>
    #include <unistd.h>

    int zmq_poll(void *items, int count, long timeout) {
        static int (*next)(void *, int, long);
        if (!next) *(void **)&next = dlsym(RTLD_NEXT, "zmq_poll");
        char name[16] = "";
        prctl(PR_GET_NAME, name);
        const char *mark = getenv("PERIGEE_TEST_MARK");
        if (strcmp(name, "admission") == 0 && mark && access(mark, F_OK) == 0) {
            errno = ENOTSOCK;
            return -1;
        }
        return next(items, count, timeout);
    }
    """

@Test("the program whose thread of keys is lost ends with code 70 at once", .timeLimit(.minutes(10)))
func lostAdmissionEndsTheProgram() throws {
    let bench = try KeyBench()
    let source = bench.folder.path + "/lose.c"
    try preloaded.write(toFile: source, atomically: true, encoding: .utf8)
    let library = bench.folder.path + "/lose.so"
    let compiler = Process()
    compiler.executableURL = URL(filePath: "/usr/bin/env")
    compiler.arguments = ["cc", "-shared", "-fPIC", "-O1", "-o", library, source]
    try compiler.run()
    compiler.waitUntilExit()
    try #require(compiler.terminationStatus == 0)
    let own = try KeyPair.generate()
    try bench.allow("lab-1", own)
    let mark = bench.folder.path + "/now"
    let gateway = try GatewayProcess(
        folder: bench.folder.path, words: ["--config", bench.folder.path + "/gateway.toml"],
        variables: ["LD_PRELOAD": library, "PERIGEE_TEST_MARK": mark])
    let link = try bench.link("lab-1", own, servers: [bench.gatewayKeys], to: gateway.endpoint)
    for packet in packets(count: 5, seed: 31) { _ = link.enqueue(packet) }
    try waitUntil("delivery") { link.snapshot.counters.acknowledged == 6 }
    #expect(FileManager.default.createFile(atPath: mark, contents: nil))
    #expect(gateway.waitForEnd() == 70)
    #expect(try archived(bench.folder, station: "lab-1").count == 5)
    _ = try link.drain(timeoutMilliseconds: 0)
}

import PerigeeTransport
import Testing

@Test(
    "only ipc, inproc and loopback are out of strangers' reach",
    arguments: [
        ("ipc:///run/perigee/frames", false), ("inproc://a", false), ("tcp://127.0.0.1:5571", false),
        ("tcp://127.9.8.7:*", false), ("tcp://localhost:5571", false), ("tcp://[::1]:5571", false),
        ("tcp://lo:5571", false), ("tcp://LOCALHOST:1", false), ("tcp://10.0.0.1:0;127.0.0.1:5571", false),
        ("tcp://*:5571", true), ("tcp://0.0.0.0:5571", true), ("tcp://eth0:5571", true),
        ("tcp://192.168.1.7:5571", true), ("tcp://127.example.com:5571", true), ("tcp://127.0.0.1.example:1", true),
        ("tcp://127.0.0.1", true), ("tcp://[::]:5571", true), ("tcp://127.0.0.1:0;10.0.0.1:5571", true),
        ("tcp://127.0.0.256:1", true), ("ws://127.0.0.1:80", true), ("nonsense", true), ("", true),
    ])
func routable(_ endpoint: String, isRoutable: Bool) throws {
    #expect(Endpoint.isRoutable(endpoint) == isRoutable)
    try Endpoint.require(keys: true, isInsecure: false, at: endpoint, field: "f")
    try Endpoint.require(keys: false, isInsecure: true, at: endpoint, field: "f")
    let check = { () throws(KeyError) in
        try Endpoint.require(keys: false, isInsecure: false, at: endpoint, field: "f")
    }
    guard isRoutable else { return try check() }
    let error = #expect(throws: KeyError.unprotected(field: "f", endpoint: endpoint), performing: check)
    #expect(error?.description.contains("`perigee keys gen`") == true)
    #expect(error?.description.contains("insecure = true") == true)
}

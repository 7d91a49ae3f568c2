import PerigeeCommandLine
import PerigeeCore
import Testing

private let sample = Command(
    "sample", summary: "Tries the parser",
    subcommands: [
        Command(
            "encode", summary: "Encodes",
            options: [
                .value("output", short: "o", .file, as: "FILE", help: "Where to write", isRequired: true),
                .value("ratio", .number(1...1_000_000), as: "R", help: "Raw over coded"),
                .value("bytes", .octets(1...Int.max), as: "N", help: "Size limit"),
                .value("mode", .choice(["pub", "push"]), as: "MODE", help: "Socket", default: "pub"),
                .value("at", .datetime, as: "TIME", help: "When"),
                .values("endpoint", .text, as: "ADDRESS", help: "Where to"),
                .flag("json", short: "j", help: "Print JSON"),
            ],
            positionals: [Positional("IN", .file, count: 1...2, help: "an image")],
            examples: [Example("sample encode a.tif -o b", "Encode one image")], exitCodes: [.budget]),
        Command("archive", summary: "Archives", subcommands: [Command("list", summary: "Lists")]),
    ])

private func arguments(_ words: String...) throws -> Arguments {
    guard case .run(let arguments) = try sample.parse(words) else { throw CommandFailure(.internal, "not a run") }
    return arguments
}

@Test("values are read in every spelling")
func spellings() throws {
    for words in [
        ["encode", "a.tif", "-o", "b"], ["encode", "-ob", "a.tif"], ["encode", "--output=b", "a.tif"],
        ["encode", "--output", "b", "--", "a.tif"],
    ] {
        guard case .run(let arguments) = try sample.parse(words) else {
            Issue.record("\(words) is no run")
            continue
        }
        #expect(arguments.path == ["encode"])
        #expect(arguments.text("output") == "b")
        #expect(arguments.positionals == ["a.tif"])
    }
}

@Test("options carry types, defaults and repetition")
func values() throws {
    let given = try arguments(
        "encode", "-o", "b", "--ratio", "300", "--bytes=64Ki", "--endpoint", "x", "--endpoint", "y", "-j", "--at",
        "2024-06-01T10:30:00Z", "a", "-")
    #expect(given.number("ratio") == 300)
    #expect(given.integer("bytes") == 65_536)
    #expect(given.texts("endpoint") == ["x", "y"])
    #expect(given.flag("json"))
    #expect(given.datetime("at")?.rfc3339 == "2024-06-01T10:30:00Z")
    #expect(given.text("mode") == "pub")
    #expect(given.positionals == ["a", "-"])
    let plain = try arguments("encode", "-o", "b", "a")
    #expect(!plain.flag("json") && plain.number("ratio") == nil && plain.texts("endpoint").isEmpty)
    #expect(try arguments("archive", "list").path == ["archive", "list"])
}

@Test(
    "a wrong line names the option and what was probably meant",
    arguments: [
        (["encode", "a", "-o", "b", "--ratoi", "3"], "unknown option --ratoi: did you mean --ratio?"),
        (["encdoe"], "unknown command encdoe: did you mean encode?"),
        (["zzz"], "unknown command zzz: use one of encode, archive"),
        ([], "no command is given: use one of encode, archive"),
        (["encode", "a", "-o"], "-o needs a value: give -o FILE"),
        (["encode", "a", "--output", "--json"], "--output needs a value: give --output FILE"),
        (["encode", "a", "-o", "b", "--json=yes"], "--json takes no value: leave out =yes"),
        (["encode", "a", "-o", "b", "--output", "c"], "--output is given twice: give it once"),
        (["encode", "a"], "--output is missing: give --output FILE"),
        (["encode", "-o", "b"], "IN is missing: give an image"),
        (["encode", "a", "b", "c", "-o", "d"], "unexpected argument \"c\": leave it out, or see --help"),
        (["encode", "a", "-o", "b", "--ratio", "0.5"], "--ratio is \"0.5\", expected a number from 1.0 to 1000000.0"),
        (["encode", "a", "-o", "b", "--ratio", "nan"], "--ratio is \"nan\", expected a number from 1.0 to 1000000.0"),
        (
            ["encode", "a", "-o", "b", "--bytes", "99999999999999G"],
            "--bytes is \"99999999999999G\", expected octets, a whole number of 1 or more, with or without k, M, G, Ki, Mi, Gi"
        ),
        (
            ["encode", "a", "-o", "b", "--mode", "pubs"],
            "--mode is \"pubs\", expected one of pub, push, did you mean pub?"
        ),
        (
            ["encode", "a", "-o", "b", "--at", "yesterday"],
            "--at is \"yesterday\", expected a moment such as 2024-06-01T10:30:00Z"
        ),
        (["encode", "", "-o", "b"], "IN is \"\", is empty: give a value"),
    ] as [([String], String)])
func errors(words: [String], text: String) {
    do {
        _ = try sample.parse(words)
        Issue.record("\(words) was accepted")
    } catch {
        #expect("\(error.error)" == text)
    }
}

@Test("help and version win over what is missing")
func help() throws {
    for (words, path) in [
        (["--help"], []), (["encode", "--help"], ["encode"]), (["encode", "--nonsense", "-h"], ["encode"]),
        (["help", "archive", "list"], ["archive", "list"]), (["archive", "-h"], ["archive"]),
    ] as [([String], [String])] {
        guard case .help(let found) = try sample.parse(words) else {
            Issue.record("\(words) is no help")
            continue
        }
        #expect(found == path)
    }
    guard case .version = try sample.parse(["encode", "--version"]) else {
        Issue.record("no version")
        return
    }
    // Behind `--` it is a file name.
    #expect(try arguments("encode", "-o", "b", "--", "--help").positionals == ["--help"])
}

@Test("help shows usage, defaults, examples and exit codes")
func helpText() {
    let text = sample.command(at: ["encode"]).help(program: "sample encode")
    #expect(text.contains("sample encode [OPTIONS] --output FILE IN…"))
    #expect(text.contains("Socket (one of pub, push; default pub)"))
    #expect(text.contains("  # Encode one image\n  sample encode a.tif -o b"))
    #expect(text.contains("  3   the budget of octets cannot be met"))
    #expect(!text.contains("\u{1B}"))
    #expect(sample.help(program: "sample", isStyled: true).contains("\u{1B}[1mCommands\u{1B}[0m"))
    #expect(sample.reference(title: "T", introduction: "I").contains("#### sample archive list"))
}

import Glibc
import PerigeeCommandLine
import PerigeeTools

// a reader that has gone is told by the write that fails, and ends us in order
signal(SIGPIPE, SIG_IGN)
let program = Program(PerigeeTool.command)
let arguments = program.argumentsOrExit(Array(CommandLine.arguments.dropFirst()))
await program.finish { try await PerigeeTool.run(arguments) }

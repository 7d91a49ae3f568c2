import PerigeeCommandLine
import PerigeeTools

let program = Program(PerigeeTool.command)
let arguments = program.argumentsOrExit(Array(CommandLine.arguments.dropFirst()))
await program.finish { try await PerigeeTool.run(arguments) }

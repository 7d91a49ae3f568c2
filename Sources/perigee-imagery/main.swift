import PerigeeCommandLine
import PerigeeImagery
import PerigeeTools

// Its arguments are those of `perigee`, which starts it: one table of commands, one name in every message.
let program = Program(PerigeeTool.command)
let arguments = program.argumentsOrExit(Array(CommandLine.arguments.dropFirst()))
await program.finish { try await ImageryTool.run(arguments) }

// PerigeeCommandLine

// PerigeeTools

// PerigeeC

// PerigeeCompression

// PerigeeLink

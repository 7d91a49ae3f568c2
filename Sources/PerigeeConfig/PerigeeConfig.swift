// PerigeeConfig

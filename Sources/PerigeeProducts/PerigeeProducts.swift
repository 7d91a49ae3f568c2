// PerigeeProducts

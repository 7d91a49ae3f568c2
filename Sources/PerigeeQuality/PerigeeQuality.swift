// PerigeeQuality

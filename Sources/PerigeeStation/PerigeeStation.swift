// PerigeeStation

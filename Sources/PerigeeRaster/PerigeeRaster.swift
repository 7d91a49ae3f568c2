// PerigeeRaster

// PerigeeCodec

// PerigeeArchive

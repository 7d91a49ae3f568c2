// PerigeeTransport

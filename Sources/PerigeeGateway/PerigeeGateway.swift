// PerigeeGateway

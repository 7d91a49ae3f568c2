// PerigeeSimulator

// PerigeeFrameFormat

// PerigeeFirmware

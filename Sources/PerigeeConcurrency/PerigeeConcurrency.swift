// PerigeeConcurrency

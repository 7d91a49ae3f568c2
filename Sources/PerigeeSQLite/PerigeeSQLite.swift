// PerigeeSQLite

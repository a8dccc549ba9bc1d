"""Stage: Launch to PatientContext. Reads the chart through a callable it is handed; never writes, never guesses."""

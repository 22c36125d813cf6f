"""What `flowfacts doctor` looks at before a first run: functions that give findings and change nothing."""

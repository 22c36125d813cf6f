-- Stow jobs by the day on which they were created.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the job's first milestone
-- facility_ref STRING: The facility
-- jobs INT64: Jobs that were created on the day [count]
-- open INT64: Of these, still open [count]
-- fulfilled INT64: Of these, closed [count]
-- cancelled INT64: Of these, cancelled [count]
-- incomplete INT64: Of these, with a deadline that passed and no end [count]
-- reopened INT64: Of these, opened again after their end [count]
-- judged INT64: Of these, closed and with a target [count]
-- late INT64: Of the judged, closed late [count]
-- lines INT64: Lines [count]
-- planned_units FLOAT64: Planned [units]
-- stowed_units FLOAT64: Brought into stock [units]
-- discarded_units FLOAT64: Booked out [units]
-- net_seconds FLOAT64: Time of stowing without pauses, together [s]
SELECT
  DATE(started_at) AS day, facility_ref,
  COUNT(*) AS jobs,
  COUNTIF(outcome = 'open') AS open,
  COUNTIF(outcome = 'fulfilled') AS fulfilled,
  COUNTIF(outcome = 'cancelled') AS cancelled,
  COUNTIF(outcome = 'incomplete') AS incomplete,
  COUNTIF(reopen_count > 0) AS reopened,
  COUNT(stow_lateness_seconds) AS judged,
  COUNTIF(stow_lateness_seconds > 0) AS late,
  SUM(line_count) AS lines,
  SUM(planned_units) AS planned_units,
  SUM(stowed_units) AS stowed_units,
  SUM(discarded_units) AS discarded_units,
  SUM(stow_duration_net_seconds) AS net_seconds
FROM `stow_flow`
GROUP BY day, facility_ref

-- Completeness: whether a day is closed, what was read of it, and how many of its flows have no end yet.
-- Filter by day to read only those days.
-- day DATE: The day (UTC): of the first milestone, and of the export's folder
-- closed BOOL: Whether all files of its folder are read and whole, and no more are due; NULL without a folder
-- open_because STRING: Why it is not closed
-- files INT64: Files that were read [count]
-- files_incomplete INT64: Files that were cut short [count]
-- lines INT64: Lines that were read [count]
-- dead_letters INT64: Lines that could not be decoded [count]
-- flows INT64: Orders, inbound processes and stow jobs that began on the day [count]
-- open INT64: Of these, still open [count]
-- incomplete INT64: Of these, with a deadline that passed and no end [count]
-- flagged INT64: Of these, with a quality flag [count]
-- flagged_share FLOAT64: flagged / flows [ratio]
WITH begun AS (
  SELECT
    DATE(started_at) AS day, COUNT(*) AS flows, COUNTIF(outcome = 'open') AS open,
    COUNTIF(outcome = 'incomplete') AS incomplete, COUNTIF(ARRAY_LENGTH(quality_flags) > 0) AS flagged
  FROM (
    SELECT started_at, outcome, quality_flags FROM `order_flow`
    UNION ALL
    SELECT started_at, outcome, quality_flags FROM `inbound_flow`
    UNION ALL
    SELECT started_at, outcome, quality_flags FROM `stow_flow`
  ) AS flows
  GROUP BY day
),
books AS (
  SELECT SAFE_CAST(day AS DATE) AS day, closed, open_because, files, files_incomplete, lines, dead_letters
    FROM `day_book`
)
SELECT
  COALESCE(begun.day, books.day) AS day, books.closed, books.open_because, books.files, books.files_incomplete,
  books.lines, books.dead_letters,
  COALESCE(begun.flows, 0) AS flows, COALESCE(begun.open, 0) AS open, COALESCE(begun.incomplete, 0) AS incomplete,
  COALESCE(begun.flagged, 0) AS flagged, SAFE_DIVIDE(begun.flagged, begun.flows) AS flagged_share
FROM begun
FULL JOIN books ON books.day = begun.day

"""Percentiles of the pages: counts by bucket, as in the views (`schemas.histogram`)."""

from __future__ import annotations

from schemas.histogram import ERROR, FACTOR, bucket, bucket_sql, percentiles

__all__ = ("ERROR", "FACTOR", "bucket", "bucket_sql", "percentiles")

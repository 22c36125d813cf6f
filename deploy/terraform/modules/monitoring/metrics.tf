# Metrics of the lines that the jobs print with --log. Names, filters and fields come from the jobs' own declaration
# (schemas/signals.py), which signals.json is written from; a test runs the filters on lines of real runs.

locals {
  declared = jsondecode(file("${path.module}/signals.json"))
  limits   = merge(local.declared.limits, var.limits)
  filters = {
    for name, metric in local.declared.metrics : name => join("", [
      for piece in metric.filter : startswith(piece, "{") ? tostring(local.limits[trim(piece, "{}")]) : piece
    ])
  }
}

resource "google_logging_metric" "this" {
  for_each = local.declared.metrics

  name            = "${var.prefix}/${each.key}"
  project         = var.project
  description     = each.value.description
  filter          = local.filters[each.key]
  value_extractor = each.value.extractor

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.extractor == null ? "INT64" : "DISTRIBUTION"
    unit        = each.value.unit
  }

  dynamic "bucket_options" {
    for_each = each.value.extractor == null ? [] : [1]
    content {
      # An eighth more from bucket to bucket, from a thousandth to some millions: what a percentile may be wrong by.
      exponential_buckets {
        num_finite_buckets = 195
        growth_factor      = 1.12
        scale              = 0.001
      }
    }
  }
}

# One policy an alert. Alerts of lines look at what came within the window, which is longer than the time between two looks
# at the output, so that an incident stays open for as long as its cause does.

locals {
  words = {
    for name, alert in local.declared.alerts : name =>
    "${alert.remedy}\n\nRun book: ${var.run_book}"
  }
  metric = {
    for name, alert in local.declared.alerts : name =>
    "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this[alert.metric].name}\""
  }
}

resource "google_monitoring_alert_policy" "lines" {
  for_each = local.declared.alerts

  project               = var.project
  display_name          = "flowfacts: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.channels
  user_labels           = var.labels

  # Where a job prints its lines, its metric has a resource of that type.
  dynamic "conditions" {
    for_each = each.value.absent_seconds == null ? var.resource_types : []
    content {
      display_name = "${each.key} (${conditions.value})"

      condition_threshold {
        filter          = "${local.metric[each.key]} AND resource.type=\"${conditions.value}\""
        comparison      = "COMPARISON_GT"
        threshold_value = 0
        duration        = "0s"

        aggregations {
          alignment_period     = "${var.window_seconds}s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }

        trigger {
          count = 1
        }
      }
    }
  }

  dynamic "conditions" {
    for_each = each.value.absent_seconds == null ? [] : [var.resource_types[0]]
    content {
      display_name = "${each.key} (${conditions.value})"

      condition_absent {
        filter   = "${local.metric[each.key]} AND resource.type=\"${conditions.value}\""
        duration = "${each.value.absent_seconds}s"

        aggregations {
          alignment_period     = "300s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }

        trigger {
          count = 1
        }
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = local.words[each.key]
  }
}

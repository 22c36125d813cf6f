# Alerts of what the services themselves measure: they see also a job that does not even start.

locals {
  services = merge(
    {
      job_failed = {
        title    = "An execution of a job fails"
        severity = "ERROR"
        filter   = "metric.type=\"run.googleapis.com/job/completed_execution_count\" AND resource.type=\"cloud_run_job\" AND metric.labels.result=\"failed\" AND resource.labels.job_name=starts_with(\"${var.prefix}-\")"
        above    = 0
        aligner  = "ALIGN_DELTA"
        reducer  = "REDUCE_SUM"
        remedy   = "gcloud run jobs executions list tells which; its log says why. A job that can't start has no line of its own: look at its image, its account and its memory."
      }
    },
    length(var.subscriptions) == 0 ? {} : {
      backlog = {
        title    = "Messages wait too long"
        severity = "ERROR"
        filter   = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=one_of(${join(", ", [for s in var.subscriptions : "\"${s}\""])})"
        above    = local.limits.backlog_seconds
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_MAX"
        remedy   = "Whoever reads the subscription is gone or too slow: look at the streaming job or the landing. Nothing is lost for seven days."
      }
      given_up = {
        title    = "Messages were given up"
        severity = "WARNING"
        filter   = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=one_of(${join(", ", [for s in var.subscriptions : "\"${s}\""])})"
        above    = 0
        aligner  = "ALIGN_DELTA"
        reducer  = "REDUCE_SUM"
        remedy   = "They lie in the bucket for dead letters, below messages/, with the reason. Repair what refused them a hundred times, then publish them again."
      }
    },
    var.stream_job == null ? {} : {
      stream_failed = {
        title    = "The streaming job has failed"
        severity = "CRITICAL"
        filter   = "metric.type=\"dataflow.googleapis.com/job/is_failed\" AND resource.type=\"dataflow_job\" AND resource.labels.job_name=\"${coalesce(var.stream_job, "-")}\""
        above    = 0
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_MAX"
        remedy   = "Its log says why. Launch it again; messages wait in the subscription for seven days."
      }
      stream_lag = {
        title    = "The streaming job lags behind"
        severity = "ERROR"
        filter   = "metric.type=\"dataflow.googleapis.com/job/system_lag\" AND resource.type=\"dataflow_job\" AND resource.labels.job_name=\"${coalesce(var.stream_job, "-")}\""
        above    = local.limits.backlog_seconds
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_MAX"
        remedy   = "A step has not ended for so long: more workers (workers.max), or a sink that does not answer."
      }
    },
  )
}

resource "google_monitoring_alert_policy" "services" {
  for_each = local.services

  project               = var.project
  display_name          = "flowfacts: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.channels
  user_labels           = var.labels

  conditions {
    display_name = each.key

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }

      trigger {
        count = 1
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.remedy}\n\nRun book: ${var.run_book}"
  }
}

# Beam's counters as Dataflow tells them: they only grow, so that a growth is what counts. Their names are those of the
# stream's own status line.
resource "google_monitoring_alert_policy" "stream_sink" {
  count = var.stream_job == null ? 0 : 1

  project               = var.project
  display_name          = "flowfacts: A sink refuses rows of the streaming job"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.channels
  user_labels           = var.labels

  conditions {
    display_name = "stream_sink"

    condition_prometheus_query_language {
      query               = "sum(delta({\"dataflow.googleapis.com/job/user_counter\", monitored_resource=\"dataflow_job\", job_name=\"${var.stream_job}\", metric_name=\"sink_refused\"}[15m])) > 0"
      duration            = "0s"
      evaluation_interval = "60s"
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "They are dead letters with the reason sink_refused; usually a column is missing: flowfacts bigquery plan.\n\nRun book: ${var.run_book}"
  }
}

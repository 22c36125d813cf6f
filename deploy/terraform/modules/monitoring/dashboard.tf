# How the jobs do, on one page: what a line measures by its median and its worst, and what waits.

locals {
  charts = concat(
    [
      for name, metric in local.declared.metrics : {
        title  = metric.description
        filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this[name].name}\""
        align  = "ALIGN_PERCENTILE_50"
        reduce = "REDUCE_MEAN"
      } if metric.extractor != null
    ],
    [
      for name, metric in local.declared.metrics : {
        title  = metric.description
        filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this[name].name}\""
        align  = "ALIGN_DELTA"
        reduce = "REDUCE_SUM"
      } if metric.extractor == null
    ],
    [
      for s in var.subscriptions : {
        title  = "oldest message in ${s}"
        filter = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${s}\""
        align  = "ALIGN_MAX"
        reduce = "REDUCE_MAX"
      }
    ],
  )
}

resource "google_monitoring_dashboard" "this" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "flowfacts"
    mosaicLayout = {
      columns = 12
      tiles = [
        for i, chart in local.charts : {
          xPos   = (i % 3) * 4
          yPos   = floor(i / 3) * 3
          width  = 4
          height = 3
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType   = "LINE"
                targetAxis = "Y1"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "3600s"
                      perSeriesAligner   = chart.align
                      crossSeriesReducer = chart.reduce
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })
}

mock_provider "google" {}

variables {
  project  = "acme-flowfacts"
  channels = ["projects/acme-flowfacts/notificationChannels/1"]
  run_book = "https://example.com/run_book"
}

run "defaults" {
  command = plan

  assert {
    condition     = google_logging_metric.this["facts_stale"].filter == "jsonPayload.flowfacts.signal=\"status\" AND jsonPayload.flowfacts.facts_age_hours>36"
    error_message = "a limit stands in the filter"
  }

  assert {
    condition     = alltrue([for f in local.filters : !strcontains(f, "{")])
    error_message = "every limit is set"
  }

  assert {
    condition     = length(google_monitoring_alert_policy.lines) == length(local.declared.alerts)
    error_message = "every declared alert is made"
  }

  assert {
    condition     = alltrue([for p in google_monitoring_alert_policy.lines : length(p.notification_channels) == 1])
    error_message = "every alert tells somebody"
  }

  assert {
    condition     = length(google_monitoring_alert_policy.stream_sink) == 0
    error_message = "no stream, no alert of it"
  }
}

run "limits_of_ones_own" {
  command = plan
  variables {
    limits         = { freshness_hours = 48 }
    resource_types = ["cloud_run_job", "k8s_container"]
    stream_job     = "flowfacts-stream"
    subscriptions  = ["flowfacts-land"]
  }

  assert {
    condition     = endswith(google_logging_metric.this["facts_stale"].filter, ">48")
    error_message = "a limit of one's own stands in the filter"
  }

  assert {
    condition     = length(google_monitoring_alert_policy.lines["facts_stale"].conditions) == 2
    error_message = "a condition for each place where jobs print"
  }
}

run "a_limit_that_no_alert_knows" {
  command = plan
  variables {
    limits = { freshnes_hours = 48 }
  }
  expect_failures = [var.limits]
}

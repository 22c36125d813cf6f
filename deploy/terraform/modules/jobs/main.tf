# Commands of flowfacts as Cloud Run jobs, each as its own account and, where it has a schedule, started by Cloud Scheduler.

resource "google_cloud_run_v2_job" "this" {
  for_each = var.jobs

  name                = "${var.prefix}-${each.key}"
  project             = var.project
  location            = var.region
  labels              = var.labels
  deletion_protection = false # a job holds nothing; its data lies in buckets

  template {
    task_count  = 1
    parallelism = 1

    template {
      service_account = each.value.account
      timeout         = "${each.value.timeout_seconds}s"
      max_retries     = each.value.retries

      containers {
        image = var.image
        args  = each.value.args

        env {
          name  = "GOOGLE_CLOUD_PROJECT"
          value = var.project
        }
        # Of these exit codes nobody must be told by a failed execution: 3 asks for attention, which has alerts of its own,
        # and 5 found another run at work.
        env {
          name  = "RUN_JOB_FINE_CODES"
          value = "3 5"
        }

        resources {
          limits = {
            cpu    = each.value.cpu
            memory = each.value.memory
          }
        }
      }

      dynamic "vpc_access" {
        for_each = var.subnetwork == null ? [] : [var.subnetwork]
        content {
          egress = "ALL_TRAFFIC"
          network_interfaces {
            subnetwork = vpc_access.value
          }
        }
      }
    }
  }
}

locals {
  scheduled = { for name, job in var.jobs : name => job if job.schedule != null }
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = local.scheduled

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_job.this[each.key].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.scheduler_account}"
}

resource "google_cloud_scheduler_job" "this" {
  for_each = local.scheduled

  name             = "${var.prefix}-${each.key}"
  project          = var.project
  region           = var.region
  description      = "Starts flowfacts ${each.key}."
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "60s"
  paused           = each.value.paused

  retry_config {
    retry_count          = 3
    min_backoff_duration = "30s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${google_cloud_run_v2_job.this[each.key].name}:run"

    oauth_token {
      service_account_email = var.scheduler_account
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.scheduler]
}

# The streaming job: a Dataflow flex template that Cloud Scheduler launches. The scheduler's job is paused, that is, it waits
# to be run by hand; its body is the one place where the job's options are. Dataflow refuses a second job of the same name,
# so a launch that comes twice starts nothing. The job itself is no resource here: a plan that replaces a running stream
# would throw its state away. Update and drain are commands of deploy/stream.sh.

locals {
  body = {
    launchParameter = {
      jobName              = var.job_name
      containerSpecGcsPath = var.template
      parameters           = var.parameters
      environment = merge(
        {
          serviceAccountEmail   = var.worker_account
          tempLocation          = "${var.temp}/tmp"
          stagingLocation       = "${var.temp}/staging"
          machineType           = var.machine_type
          numWorkers            = var.workers.min
          maxWorkers            = var.workers.max
          ipConfiguration       = "WORKER_IP_PRIVATE"
          enableStreamingEngine = true
          sdkContainerImage     = var.image
          additionalUserLabels  = var.labels
        },
        var.subnetwork == null ? {} : { subnetwork = var.subnetwork },
        var.kms_key == null ? {} : { kmsKeyName = var.kms_key },
      )
    }
  }
}

resource "google_cloud_scheduler_job" "launch" {
  name             = "${var.job_name}-launch"
  project          = var.project
  region           = var.region
  description      = "Launches the streaming job; Dataflow refuses it while one of the same name runs."
  schedule         = "*/15 * * * *"
  time_zone        = "Etc/UTC"
  paused           = !var.keep_running
  attempt_deadline = "60s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "https://dataflow.googleapis.com/v1b3/projects/${var.project}/locations/${var.region}/flexTemplates:launch"
    body        = base64encode(jsonencode(local.body))
    headers     = { "Content-Type" = "application/json" }

    oauth_token {
      service_account_email = var.launcher_account
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }
}

# Who launches starts jobs and hands them the worker's account, and no other.
resource "google_project_iam_member" "launcher" {
  project = var.project
  role    = var.launcher_role
  member  = "serviceAccount:${var.launcher_account}"
}

resource "google_service_account_iam_member" "launcher_hands_over" {
  service_account_id = var.worker_account_name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${var.launcher_account}"
}

resource "google_project_iam_member" "worker" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = "serviceAccount:${var.worker_account}"
}

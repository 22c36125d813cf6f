mock_provider "google" {}

variables {
  project             = "acme-flowfacts"
  region              = "europe-west1"
  template            = "gs://acme-temp/templates/stream.json"
  image               = "europe-west1-docker.pkg.dev/acme/flowfacts/worker@sha256:2222222222222222222222222222222222222222222222222222222222222222"
  parameters          = { subscription = "projects/p/subscriptions/s", output = "gs://acme-output/facts" }
  temp                = "gs://acme-temp"
  launcher_account    = "scheduler@acme-flowfacts.iam.gserviceaccount.com"
  launcher_role       = "projects/acme-flowfacts/roles/flowfactsLauncher"
  worker_account      = "worker@acme-flowfacts.iam.gserviceaccount.com"
  worker_account_name = "projects/acme-flowfacts/serviceAccounts/worker@acme-flowfacts.iam.gserviceaccount.com"
}

run "what_is_launched" {
  command = plan

  assert {
    condition     = jsondecode(base64decode(google_cloud_scheduler_job.launch.http_target[0].body)) == jsondecode(output.body)
    error_message = "the scheduler sends what the output shows"
  }

  assert {
    condition     = jsondecode(output.body).launchParameter.environment.sdkContainerImage == var.image
    error_message = "workers have the image of the template"
  }

  assert {
    condition     = jsondecode(output.body).launchParameter.environment.ipConfiguration == "WORKER_IP_PRIVATE"
    error_message = "workers have no public address"
  }

  assert {
    condition     = google_cloud_scheduler_job.launch.paused
    error_message = "nothing is launched again after a drain unless that was asked for"
  }
}

run "a_tag_is_no_digest" {
  command = plan
  variables {
    image = "europe-west1-docker.pkg.dev/acme/flowfacts/worker:latest"
  }
  expect_failures = [var.image]
}

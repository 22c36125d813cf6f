# Plans against the real provider's schema, with nothing behind it.

mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }
  mock_resource "google_service_account" {
    defaults = {
      email  = "flowfacts-job@acme-flowfacts.iam.gserviceaccount.com"
      name   = "projects/acme-flowfacts/serviceAccounts/flowfacts-job@acme-flowfacts.iam.gserviceaccount.com"
      member = "serviceAccount:flowfacts-job@acme-flowfacts.iam.gserviceaccount.com"
    }
  }
}

variables {
  project          = "acme-flowfacts"
  region           = "europe-west1"
  dataset_location = "EU"
  jobs_image       = "europe-west1-docker.pkg.dev/acme-flowfacts/flowfacts/jobs@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  repository       = "flowfacts"
  export_bucket    = "vendor-export/acme"
  alert_mails      = ["data-platform@example.com"]
}

run "an_export_on_one_machine" {
  command = plan

  assert {
    condition     = toset(keys(module.jobs.names)) == toset(["apply", "batch", "mirror", "status"])
    error_message = "the jobs of a tenant with an export"
  }

  assert {
    condition     = length(module.messages) == 0 && length(module.stream) == 0 && length(module.budget) == 0
    error_message = "nothing is made that was not asked for"
  }

  assert {
    condition     = alltrue([for r in google_storage_bucket_iam_member.jobs : !strcontains(r.role, "admin")])
    error_message = "no job administers a bucket"
  }

  assert {
    condition     = !anytrue([for k, r in local.bucket_roles : r.account == "status" && r.role == "roles/storage.objectUser"])
    error_message = "the look at the output changes nothing"
  }

  assert {
    condition     = length([for k, r in local.bucket_roles : k if r.account == "worker"]) == 0
    error_message = "no worker has a right where there is none"
  }

  assert {
    condition     = startswith(output.next_steps[0], "gcloud secrets versions add")
    error_message = "the first step by hand is the key"
  }
}

run "messages_a_stream_and_dataflow" {
  command = plan

  variables {
    messages        = true
    runner          = "dataflow"
    worker_image    = "europe-west1-docker.pkg.dev/acme-flowfacts/flowfacts/worker@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    stream_template = "gs://acme-flowfacts-flowfacts-temp/templates/stream.json"
    publishers      = ["serviceAccount:events@vendor.iam.gserviceaccount.com"]
    subnetwork      = "regions/europe-west1/subnetworks/jobs"
    budget          = { billing_account = "012345-6789AB-CDEF01", monthly = 200, currency = "EUR" }
    limits          = { freshness_hours = 48 }
  }

  assert {
    condition     = contains(local.jobs.batch.args, "DataflowRunner") && contains(local.jobs.batch.args, "--sdk_container_image")
    error_message = "the batch job goes to Dataflow with the image of the workers"
  }

  assert {
    condition     = length(module.budget) == 1
    error_message = "a budget that was asked for is made"
  }
}

run "messages_without_an_export" {
  command = plan

  variables {
    export_bucket = null
    messages      = true
  }

  assert {
    condition     = contains(keys(local.jobs), "land") && !contains(keys(local.jobs), "mirror")
    error_message = "where there is no export, messages are landed"
  }
}

run "nothing_to_read" {
  command = plan
  variables {
    export_bucket = null
  }
  expect_failures = [var.messages]
}

run "dataflow_without_an_image" {
  command = plan
  variables {
    runner = "dataflow"
  }
  expect_failures = [var.runner]
}

run "nobody_is_told" {
  command = plan
  variables {
    alert_mails = []
  }
  expect_failures = [var.alert_mails]
}

run "a_stream_without_messages" {
  command = plan
  variables {
    stream_template = "gs://t/stream.json"
  }
  expect_failures = [var.stream_template]
}

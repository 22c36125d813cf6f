# What runs when: the mirror (or the landing) on the hour, the batch job after it, a look at the result after that.

locals {
  # On Dataflow the Cloud Run job stays the driver: it holds the lock, waits, checks the books and publishes, which a flex
  # template can't, for its launcher ends when the graph is submitted.
  batch_runner = var.runner == "local" ? ["--workers", var.batch_size.cpu] : [
    "--runner", "DataflowRunner",
    "--project", var.project,
    "--region", var.region,
    "--temp_location", "${local.temp}/tmp",
    "--staging_location", "${local.temp}/staging",
    "--service_account_email", module.identities.emails["worker"],
    "--sdk_container_image", var.worker_image,
    "--sdk_location", "container",
    "--no_use_public_ips",
    "--max_num_workers", tostring(var.batch_workers),
  ]
  batch_network = var.runner == "dataflow" && var.subnetwork != null ? ["--subnetwork", var.subnetwork] : []

  jobs = merge(
    {
      batch = {
        args = concat(
          ["batch", "--input", local.raw, "--output", local.output, "--bigquery", module.warehouse.dataset, "--log"],
          local.batch_runner, local.batch_network,
        )
        account         = module.identities.emails["batch"]
        schedule        = var.schedules.batch
        cpu             = var.runner == "local" ? var.batch_size.cpu : "1"
        memory          = var.runner == "local" ? var.batch_size.memory : "2Gi"
        timeout_seconds = 86400
        retries         = 1
      }
      status = {
        args = [
          "status", "--input", local.raw, "--output", local.output, "--log",
          "--warn-days", tostring(lookup(var.limits, "warn_days", 14)),
        ]
        account  = module.identities.emails["status"]
        schedule = var.schedules.status
        memory   = "2Gi"
      }
      # By hand, before the first run and after an upgrade: gcloud run jobs execute …-apply
      apply = {
        args    = ["bigquery", "apply", "--dataset", module.warehouse.dataset]
        account = module.identities.emails["batch"]
      }
    },
    var.export_bucket == null ? {} : {
      mirror = {
        args = [
          "mirror", "--bucket", var.export_bucket, "--key-secret", module.export_key[0].latest, "--to", local.raw, "--log",
          "--warn-days", tostring(lookup(var.limits, "warn_days", 14)),
        ]
        account         = module.identities.emails["mirror"]
        schedule        = var.schedules.mirror
        memory          = "4Gi" # objects are gathered in memory on their way to a bucket
        timeout_seconds = 21600
        retries         = 1
      }
    },
    var.messages && var.export_bucket == null ? {
      land = {
        args = [
          "land", "--subscription", module.messages[0].subscriptions["land"], "--to", local.raw, "--log", "--once",
          "--max-file-age", "600",
        ]
        account         = module.identities.emails["land"]
        schedule        = var.schedules.mirror
        memory          = "2Gi"
        timeout_seconds = 3500
      }
    } : {},
  )
}

module "jobs" {
  source = "../../modules/jobs"

  project           = var.project
  region            = var.region
  prefix            = var.name
  labels            = local.labels
  image             = var.jobs_image
  scheduler_account = module.identities.emails["scheduler"]
  subnetwork        = var.subnetwork
  jobs              = local.jobs

  depends_on = [google_storage_bucket_iam_member.jobs]
}

module "stream" {
  source = "../../modules/stream"
  count  = local.stream ? 1 : 0

  project  = var.project
  region   = var.region
  job_name = "${var.name}-stream"
  template = coalesce(var.stream_template, "gs://none/none.json")
  image    = var.worker_image
  parameters = {
    subscription = module.messages[0].subscriptions["stream"]
    output       = local.output
    bigquery     = module.warehouse.dataset
  }
  temp                = local.temp
  workers             = var.stream_workers
  launcher_account    = module.identities.emails["scheduler"]
  launcher_role       = local.stream ? google_project_iam_custom_role.launcher[0].name : ""
  worker_account      = module.identities.emails["worker"]
  worker_account_name = module.identities.names["worker"]
  subnetwork          = var.subnetwork
  labels              = local.labels
  keep_running        = var.stream_keep_running
}

# One tenant, from an empty project to jobs that run. Copy this folder, write terraform.tfvars, read the plan, apply it.

provider "google" {
  project = var.project
  region  = var.region
}

data "google_project" "this" {
  project_id = var.project
  depends_on = [google_project_service.needed]
}

resource "google_project_service" "needed" {
  for_each = toset(concat(
    [
      "artifactregistry.googleapis.com", "bigquery.googleapis.com", "cloudscheduler.googleapis.com",
      "iam.googleapis.com", "logging.googleapis.com", "monitoring.googleapis.com", "run.googleapis.com",
      "secretmanager.googleapis.com", "storage.googleapis.com",
    ],
    var.messages ? ["pubsub.googleapis.com"] : [],
    local.dataflow ? ["dataflow.googleapis.com", "compute.googleapis.com"] : [],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
  ))

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

locals {
  labels   = merge(var.labels, { app = "flowfacts" })
  stream   = var.stream_template != null
  dataflow = local.stream || var.runner == "dataflow"
  raw      = "gs://${module.storage.buckets["raw"]}/export"
  output   = "gs://${module.storage.buckets["output"]}/facts"
  temp     = "gs://${module.storage.buckets["temp"]}"
}

module "identities" {
  source = "../../modules/identities"

  project = var.project
  prefix  = var.name
  jobs = {
    mirror    = "copies the vendor's export into the raw bucket"
    land      = "writes messages into the raw bucket"
    batch     = "reads the raw bucket, writes facts, loads the dataset"
    status    = "looks at raw bucket and facts, changes nothing"
    worker    = "workers of Dataflow"
    scheduler = "starts the jobs, and can do nothing else"
  }

  depends_on = [google_project_service.needed]
}

module "storage" {
  source = "../../modules/storage"

  project          = var.project
  prefix           = "${var.project}-${var.name}"
  location         = var.region
  labels           = local.labels
  raw_days         = var.raw_days
  dead_letter_days = var.dead_letter_days

  depends_on = [google_project_service.needed]
}

module "warehouse" {
  source = "../../modules/warehouse"

  project  = var.project
  location = var.dataset_location
  labels   = local.labels
  writers  = merge({ batch = module.identities.members["batch"] }, local.stream ? { worker = module.identities.members["worker"] } : {})
  readers  = var.readers

  depends_on = [google_project_service.needed]
}

module "export_key" {
  source = "../../modules/secret"
  count  = var.export_bucket == null ? 0 : 1

  project  = var.project
  name     = "${var.name}-export-key"
  location = var.region
  labels   = local.labels
  reader   = module.identities.members["mirror"]

  depends_on = [google_project_service.needed]
}

module "messages" {
  source = "../../modules/messages"
  count  = var.messages ? 1 : 0

  project            = var.project
  project_number     = data.google_project.this.number
  prefix             = var.name
  labels             = local.labels
  regions            = [var.region]
  publishers         = var.publishers
  raw_bucket         = module.storage.buckets["raw"]
  dead_letter_bucket = module.storage.buckets["dead-letters"]
  stream_member      = module.identities.members["worker"]
  land_member        = module.identities.members["land"]
}

module "monitoring" {
  source = "../../modules/monitoring"

  project       = var.project
  prefix        = var.name
  labels        = local.labels
  channels      = [for channel in google_monitoring_notification_channel.mail : channel.id]
  limits        = var.limits
  subscriptions = var.messages ? (local.stream ? ["${var.name}-land", "${var.name}-stream"] : ["${var.name}-land"]) : []
  stream_job    = local.stream ? "${var.name}-stream" : null
  run_book      = var.run_book

  depends_on = [google_project_service.needed]
}

resource "google_monitoring_notification_channel" "mail" {
  for_each = toset(var.alert_mails)

  project      = var.project
  display_name = "flowfacts: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

module "budget" {
  source = "../../modules/budget"
  count  = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  project         = var.project
  project_number  = data.google_project.this.number
  monthly         = var.budget.monthly
  currency        = var.budget.currency
  channels        = [for channel in google_monitoring_notification_channel.mail : channel.id]
}

# Who may do what on which bucket. objectUser reads, writes and deletes objects and nothing else; Beam also asks a bucket
# for its properties before it writes to it, which is what legacyBucketReader is for.

locals {
  bucket_roles = merge(
    {
      "mirror writes raw"    = { bucket = "raw", role = "roles/storage.objectUser", account = "mirror" }
      "land writes raw"      = { bucket = "raw", role = "roles/storage.objectUser", account = "land" }
      "batch reads raw"      = { bucket = "raw", role = "roles/storage.objectViewer", account = "batch" }
      "batch writes facts"   = { bucket = "output", role = "roles/storage.objectUser", account = "batch" }
      "batch knows facts"    = { bucket = "output", role = "roles/storage.legacyBucketReader", account = "batch" }
      "status reads raw"     = { bucket = "raw", role = "roles/storage.objectViewer", account = "status" }
      "status reads facts"   = { bucket = "output", role = "roles/storage.objectViewer", account = "status" }
      "mirror knows raw"     = { bucket = "raw", role = "roles/storage.legacyBucketReader", account = "mirror" }
      "land knows raw"       = { bucket = "raw", role = "roles/storage.legacyBucketReader", account = "land" }
      "scheduler reads spec" = { bucket = "temp", role = "roles/storage.objectViewer", account = "scheduler" }
    },
    local.dataflow ? {
      "worker writes facts" = { bucket = "output", role = "roles/storage.objectUser", account = "worker" }
      "worker knows facts"  = { bucket = "output", role = "roles/storage.legacyBucketReader", account = "worker" }
      "worker writes temp"  = { bucket = "temp", role = "roles/storage.objectUser", account = "worker" }
      "worker knows temp"   = { bucket = "temp", role = "roles/storage.legacyBucketReader", account = "worker" }
    } : {},
    var.runner == "dataflow" ? {
      "worker reads raw"  = { bucket = "raw", role = "roles/storage.objectViewer", account = "worker" }
      "batch writes temp" = { bucket = "temp", role = "roles/storage.objectUser", account = "batch" }
      "batch knows temp"  = { bucket = "temp", role = "roles/storage.legacyBucketReader", account = "batch" }
    } : {},
  )
}

resource "google_storage_bucket_iam_member" "jobs" {
  for_each = local.bucket_roles

  bucket = module.storage.buckets[each.value.bucket]
  role   = each.value.role
  member = module.identities.members[each.value.account]
}

# Starts jobs on Dataflow and follows them; roles/dataflow.developer may also act as any account of the project's workers.
resource "google_project_iam_custom_role" "launcher" {
  count = local.dataflow ? 1 : 0

  project     = var.project
  role_id     = "${replace(var.name, "-", "_")}_launcher"
  title       = "flowfacts: starts Dataflow jobs"
  description = "What the driver of the batch job and the launcher of the stream need of Dataflow."
  permissions = [
    "dataflow.jobs.cancel", "dataflow.jobs.create", "dataflow.jobs.get", "dataflow.jobs.list",
    "dataflow.messages.list", "dataflow.metrics.get", "resourcemanager.projects.get",
  ]
}

# The driver of a batch job hands Dataflow the worker's account.
resource "google_project_iam_member" "batch_driver" {
  count = var.runner == "dataflow" ? 1 : 0

  project = var.project
  role    = google_project_iam_custom_role.launcher[0].name
  member  = module.identities.members["batch"]
}

resource "google_service_account_iam_member" "batch_hands_over" {
  count = var.runner == "dataflow" ? 1 : 0

  service_account_id = module.identities.names["worker"]
  role               = "roles/iam.serviceAccountUser"
  member             = module.identities.members["batch"]
}

resource "google_project_iam_member" "batch_worker" {
  count = var.runner == "dataflow" && !local.stream ? 1 : 0

  project = var.project
  role    = "roles/dataflow.worker"
  member  = module.identities.members["worker"]
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  count = local.dataflow && var.repository != null ? 1 : 0

  project    = var.project
  location   = var.region
  repository = var.repository
  role       = "roles/artifactregistry.reader"
  member     = module.identities.members["worker"]
}

# The dataset and who may do what with it. Its tables and views are made by `flowfacts bigquery apply`, not here: a
# provider answers many changes of a table by dropping it, while apply changes in place what can be changed, refuses the
# rest before it has touched anything, and is what every load relies on. Two owners of one table would undo each other.

resource "google_bigquery_dataset" "facts" {
  # checkov:skip=CKV_GCP_81: kms_key sets it; Google's key is the default
  dataset_id                 = var.dataset
  project                    = var.project
  location                   = var.location
  friendly_name              = "flowfacts"
  description                = "Timing facts of orders, inbound processes and stow jobs; made by flowfacts bigquery apply."
  labels                     = var.labels
  max_time_travel_hours      = 168
  delete_contents_on_destroy = false

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_bigquery_dataset_iam_member" "writers" {
  for_each = var.writers

  project    = var.project
  dataset_id = google_bigquery_dataset.facts.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = each.value
}

resource "google_bigquery_dataset_iam_member" "readers" {
  for_each = toset(var.readers)

  project    = var.project
  dataset_id = google_bigquery_dataset.facts.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}

# To start load and query jobs, which are paid for by the project; it reads nothing by itself.
resource "google_project_iam_member" "job_users" {
  for_each = var.writers

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = each.value
}

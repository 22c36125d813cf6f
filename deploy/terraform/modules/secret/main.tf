# A place for a secret, without its value: what Terraform knows lies in its state, so the value is added by hand.

resource "google_secret_manager_secret" "this" {
  secret_id = var.name
  project   = var.project
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.location

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key == null ? [] : [var.kms_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  project   = var.project
  secret_id = google_secret_manager_secret.this.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.reader
}

# Four buckets, because what is in them is kept for different times and read by different people:
# raw and dead letters hold personal data as the source wrote it; output holds facts and no personal data; temp nothing.

locals {
  buckets = {
    raw = {
      # The mirror never deletes, so this rule is the retention of the raw bytes.
      delete_after = var.raw_days
      colder_after = var.raw_colder_days
      keep_deleted = 7
    }
    output = {
      delete_after = null
      colder_after = null
      keep_deleted = var.restore_days
    }
    temp = {
      delete_after = 7
      colder_after = null
      keep_deleted = 0
    }
    dead-letters = {
      delete_after = var.dead_letter_days
      colder_after = null
      keep_deleted = 7
    }
  }
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_62: who reads is in Cloud Audit Logs (data access), which access logs into another bucket repeat
  # checkov:skip=CKV_GCP_78: what is deleted stays for soft_delete_policy; versions of facts would outlive an erasure
  for_each = local.buckets

  name                        = "${var.prefix}-${each.key}"
  project                     = var.project
  location                    = var.location
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  soft_delete_policy {
    retention_duration_seconds = each.value.keep_deleted * 86400
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.delete_after == null ? [] : [each.value.delete_after]
    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.colder_after == null ? [] : [each.value.colder_after]
    content {
      action {
        type          = "SetStorageClass"
        storage_class = "COLDLINE"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  # The raw bytes of rejected lines, apart from the facts; `flowfacts expire` deletes them earlier where it runs.
  dynamic "lifecycle_rule" {
    for_each = each.key == "output" ? [1] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        age            = var.dead_letter_days
        matches_prefix = ["${var.output_folder}/dead_letters/"]
      }
    }
  }

  # A killed upload would be paid for without end.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

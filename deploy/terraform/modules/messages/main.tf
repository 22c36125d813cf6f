# The platform publishes into one topic. Each reader has a subscription of its own: the stream, the landing, and the
# archive, which Pub/Sub itself writes to a bucket.

locals {
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  week  = "604800s"
}

resource "google_pubsub_topic" "events" {
  # checkov:skip=CKV_GCP_83: kms_key sets it; Google's key is the default, for a lost key of one's own loses the messages
  name                       = "${var.prefix}-events"
  project                    = var.project
  labels                     = var.labels
  kms_key_name               = var.kms_key
  message_retention_duration = local.week # a subscription can be set back to any moment of the week

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic" "dead" {
  # checkov:skip=CKV_GCP_83: as for the topic of the events
  name                       = "${var.prefix}-events-dead"
  project                    = var.project
  labels                     = var.labels
  kms_key_name               = var.kms_key
  message_retention_duration = local.week

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic_iam_member" "platform" {
  for_each = toset(var.publishers)

  project = var.project
  topic   = google_pubsub_topic.events.name
  role    = "roles/pubsub.publisher"
  member  = each.value
}

# Dataflow counts a delivery whenever a worker is moved, so a dead-letter topic would take good messages from the stream.
# The stream writes what it can't decode into its own dead letters.
resource "google_pubsub_subscription" "stream" {
  name                       = "${var.prefix}-stream"
  project                    = var.project
  topic                      = google_pubsub_topic.events.id
  labels                     = var.labels
  ack_deadline_seconds       = 60
  message_retention_duration = local.week
  enable_message_ordering    = false

  expiration_policy {
    ttl = ""
  }
}

# A landing gives messages back while it can't write; a hundred tries with pauses are hours.
resource "google_pubsub_subscription" "land" {
  name                       = "${var.prefix}-land"
  project                    = var.project
  topic                      = google_pubsub_topic.events.id
  labels                     = var.labels
  ack_deadline_seconds       = 60
  message_retention_duration = local.week
  enable_message_ordering    = false

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 100
  }

  depends_on = [google_pubsub_topic_iam_member.agent_forwards]
}

# Every message with its id and publish time, whatever becomes of the other readers.
resource "google_pubsub_subscription" "archive" {
  name                       = "${var.prefix}-archive"
  project                    = var.project
  topic                      = google_pubsub_topic.events.id
  labels                     = var.labels
  ack_deadline_seconds       = 300
  message_retention_duration = local.week

  expiration_policy {
    ttl = ""
  }

  cloud_storage_config {
    bucket                   = var.raw_bucket
    filename_prefix          = "archive/"
    filename_suffix          = ".avro"
    filename_datetime_format = "YYYY-MM-DD/hh_mm_ssZ"
    max_duration             = "300s"
    max_bytes                = 100000000

    avro_config {
      write_metadata = true
    }
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 100
  }

  depends_on = [google_storage_bucket_iam_member.agent, google_pubsub_topic_iam_member.agent_forwards]
}

# A topic without a subscription forgets: what was given up lies in a bucket, with the reason in its attributes.
resource "google_pubsub_subscription" "dead" {
  name                       = "${var.prefix}-dead"
  project                    = var.project
  topic                      = google_pubsub_topic.dead.id
  labels                     = var.labels
  ack_deadline_seconds       = 300
  message_retention_duration = local.week

  expiration_policy {
    ttl = ""
  }

  cloud_storage_config {
    bucket                   = var.dead_letter_bucket
    filename_prefix          = "messages/"
    filename_suffix          = ".avro"
    filename_datetime_format = "YYYY-MM-DD/hh_mm_ssZ"
    max_duration             = "300s"

    avro_config {
      write_metadata = true
    }
  }

  depends_on = [google_storage_bucket_iam_member.agent]
}

# What Pub/Sub itself needs: to forward to the dead-letter topic it publishes there and acknowledges here; to write files it
# creates objects and looks at the bucket.

resource "google_pubsub_topic_iam_member" "agent_forwards" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.agent
}

resource "google_pubsub_subscription_iam_member" "agent_acknowledges" {
  for_each = {
    land    = google_pubsub_subscription.land.name
    archive = google_pubsub_subscription.archive.name
  }

  project      = var.project
  subscription = each.value
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}

resource "google_storage_bucket_iam_member" "agent" {
  for_each = {
    for pair in setproduct(
      ["raw", "dead"], ["roles/storage.objectCreator", "roles/storage.legacyBucketReader"]
    ) : "${pair[0]} ${pair[1]}" => { bucket = pair[0], role = pair[1] }
  }

  bucket = each.value.bucket == "raw" ? var.raw_bucket : var.dead_letter_bucket
  role   = each.value.role
  member = local.agent
}

resource "google_pubsub_subscription_iam_member" "readers" {
  for_each = {
    stream = { subscription = google_pubsub_subscription.stream.name, member = var.stream_member }
    land   = { subscription = google_pubsub_subscription.land.name, member = var.land_member }
  }

  project      = var.project
  subscription = each.value.subscription
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}

# Dataflow's Pub/Sub source looks at the subscription before it reads, which subscriber does not allow.
resource "google_pubsub_subscription_iam_member" "stream_looks" {
  project      = var.project
  subscription = google_pubsub_subscription.stream.name
  role         = "roles/pubsub.viewer"
  member       = var.stream_member
}

output "topic" {
  description = "Topic of the events, as the platform and `flowfacts subscribe` want it."
  value       = google_pubsub_topic.events.id
}

output "topic_name" {
  description = "Its short name."
  value       = google_pubsub_topic.events.name
}

output "subscriptions" {
  description = "Full names of the subscriptions."
  value = {
    stream  = google_pubsub_subscription.stream.id
    land    = google_pubsub_subscription.land.id
    archive = google_pubsub_subscription.archive.id
    dead    = google_pubsub_subscription.dead.id
  }
}

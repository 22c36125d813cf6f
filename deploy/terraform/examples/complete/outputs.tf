output "next_steps" {
  description = "What is left to do by hand, in this order."
  value = compact([
    var.export_bucket == null ? "" : "gcloud secrets versions add ${var.name}-export-key --project ${var.project} --data-file key.json && shred -u key.json",
    "gcloud run jobs execute ${module.jobs.names["apply"]} --project ${var.project} --region ${var.region} --wait",
    contains(keys(module.jobs.names), "mirror") ? "gcloud run jobs execute ${module.jobs.names["mirror"]} --project ${var.project} --region ${var.region} --wait" : "",
    "gcloud run jobs execute ${module.jobs.names["batch"]} --project ${var.project} --region ${var.region} --wait",
    var.messages ? "flowfacts subscribe --help    # registers the platform's events with ${module.messages[0].topic}" : "",
    local.stream ? module.stream[0].launch : "",
    "flowfacts query 'SELECT * FROM daily_orders ORDER BY day DESC LIMIT 7' --dataset ${module.warehouse.dataset}",
  ])
}

output "buckets" {
  description = "The buckets."
  value       = module.storage.buckets
}

output "dataset" {
  description = "The dataset, PROJECT.DATASET."
  value       = module.warehouse.dataset
}

output "topic" {
  description = "The topic of the events; null without messages."
  value       = var.messages ? module.messages[0].topic : null
}

output "dashboard" {
  description = "Address of the dashboard of the jobs."
  value       = module.monitoring.dashboard
}

output "stream_body" {
  description = "What launches the streaming job, for deploy/stream.sh; null without one."
  value       = local.stream ? module.stream[0].body : null
}

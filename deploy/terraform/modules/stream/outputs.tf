output "job_name" {
  description = "Name of the Dataflow job."
  value       = var.job_name
}

output "launch" {
  description = "Command that launches it."
  value       = "gcloud scheduler jobs run ${google_cloud_scheduler_job.launch.name} --location ${var.region} --project ${var.project}"
}

output "body" {
  description = "What is launched, for deploy/stream.sh update."
  value       = jsonencode(local.body)
}

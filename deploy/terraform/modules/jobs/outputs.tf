output "names" {
  description = "Names of the jobs, for gcloud run jobs execute."
  value       = { for name, job in google_cloud_run_v2_job.this : name => job.name }
}

output "id" {
  description = "Full name: projects/P/secrets/S."
  value       = google_secret_manager_secret.this.id
}

output "latest" {
  description = "Its newest version, as --key-secret wants it."
  value       = "projects/${var.project}/secrets/${google_secret_manager_secret.this.secret_id}/versions/latest"
}

output "alerts" {
  description = "Names of the alert policies."
  value = merge(
    { for name, policy in google_monitoring_alert_policy.lines : name => policy.name },
    { for name, policy in google_monitoring_alert_policy.services : name => policy.name },
  )
}

output "dashboard" {
  description = "Address of the dashboard."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.this.id)}?project=${var.project}"
}

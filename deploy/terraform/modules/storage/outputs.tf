output "buckets" {
  description = "Names of the buckets: raw, output, temp, dead-letters."
  value       = { for key, bucket in google_storage_bucket.this : key => bucket.name }
}

output "dataset" {
  description = "The dataset, as flowfacts wants it: PROJECT.DATASET."
  value       = "${var.project}.${google_bigquery_dataset.facts.dataset_id}"
}

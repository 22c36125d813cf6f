# A service account a job. What it may do is granted beside the resource that it is granted on, in the other modules and
# in the root; here only that it is there. No keys are made: the jobs run as them.

resource "google_service_account" "this" {
  for_each = var.jobs

  project      = var.project
  account_id   = "${var.prefix}-${each.key}"
  display_name = "flowfacts: ${each.key}"
  description  = each.value
}

# All that there is, for the policy scanner: a folder of defaults would hide half of it.
project          = "acme-flowfacts"
region           = "europe-west1"
dataset_location = "EU"
jobs_image       = "europe-west1-docker.pkg.dev/acme-flowfacts/flowfacts/jobs@sha256:1111111111111111111111111111111111111111111111111111111111111111"
worker_image     = "europe-west1-docker.pkg.dev/acme-flowfacts/flowfacts/worker@sha256:2222222222222222222222222222222222222222222222222222222222222222"
repository       = "flowfacts"
export_bucket    = "vendor-export/acme"
messages         = true
publishers       = ["serviceAccount:events@vendor.iam.gserviceaccount.com"]
runner           = "dataflow"
stream_template  = "gs://acme-flowfacts-flowfacts-temp/templates/stream.json"
subnetwork       = "regions/europe-west1/subnetworks/jobs"
alert_mails      = ["data-platform@example.com"]
readers          = ["group:analysts@example.com"]
budget           = { billing_account = "012345-6789AB-CDEF01", monthly = 200, currency = "EUR" }

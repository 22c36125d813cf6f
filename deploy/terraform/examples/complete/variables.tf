variable "project" {
  type        = string
  description = "Project for all of it."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be the id of a project, like acme-flowfacts."
  }
}

variable "region" {
  type        = string
  description = "Region of jobs, buckets and messages, like europe-west1."

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, like europe-west1."
  }
}

variable "dataset_location" {
  type        = string
  description = "Location of the dataset: EU, US, or the region. It can't be changed later."
}

variable "name" {
  type        = string
  description = "Begin of all names; another one for a second tenant in the same project."
  default     = "flowfacts"
}

variable "labels" {
  type        = map(string)
  description = "Labels of everything that takes some."
  default     = {}
}

variable "jobs_image" {
  type        = string
  description = "Image of the command-line jobs, by digest, as deploy/containers/build.sh prints it."
}

variable "worker_image" {
  type        = string
  description = "Image of the workers, by digest, as deploy/containers/build.sh prints it; needed for Dataflow."
  default     = null
}

variable "repository" {
  type        = string
  description = "Repository of Artifact Registry that the images lie in, in the same project and region."
  default     = null
}

variable "export_bucket" {
  type        = string
  description = "The vendor's bucket, BUCKET[/PREFIX]; null where there is no export, and messages are landed."
  default     = null
}

variable "messages" {
  type        = bool
  description = "Make a topic for the platform's events, with subscriptions and an archive."
  default     = false

  validation {
    condition     = var.messages || var.export_bucket != null
    error_message = "either export_bucket or messages: otherwise there is nothing to read."
  }
}

variable "publishers" {
  type        = list(string)
  description = "Who may publish events: the service account of the platform."
  default     = []
}

variable "runner" {
  type        = string
  description = "Where the batch job computes: local (in its own Cloud Run job) or dataflow."
  default     = "local"

  validation {
    condition     = contains(["local", "dataflow"], var.runner)
    error_message = "runner must be local or dataflow."
  }

  validation {
    condition     = var.runner == "local" || var.worker_image != null
    error_message = "runner dataflow needs worker_image."
  }
}

variable "batch_size" {
  type        = object({ cpu = string, memory = string })
  description = "Processors and memory of the batch job where it computes itself."
  default     = { cpu = "4", memory = "16Gi" }
}

variable "batch_workers" {
  type        = number
  description = "Most workers of the batch job on Dataflow."
  default     = 8
}

variable "stream_template" {
  type        = string
  description = "Flex template of the streaming job, gs://…/stream.json as deploy/containers/build.sh writes it; null for no stream."
  default     = null

  validation {
    condition     = var.stream_template == null || (var.messages && var.worker_image != null)
    error_message = "a stream needs messages = true and worker_image."
  }
}

variable "stream_workers" {
  type        = object({ min = number, max = number })
  description = "Workers of the streaming job."
  default     = { min = 1, max = 4 }
}

variable "stream_keep_running" {
  type        = bool
  description = "Launch the streaming job again when it is gone. Set it to false before a drain."
  default     = false
}

variable "subnetwork" {
  type        = string
  description = "Subnetwork of jobs and workers, with Private Google Access: regions/R/subnetworks/S."
  default     = null
}

variable "schedules" {
  type        = object({ mirror = string, batch = string, status = string })
  description = "When each job starts, in cron's form, in UTC."
  default     = { mirror = "0 * * * *", batch = "20 * * * *", status = "50 * * * *" }
}

variable "raw_days" {
  type        = number
  description = "Days for which raw exports are kept."
  default     = 400
}

variable "dead_letter_days" {
  type        = number
  description = "Days for which rejected bytes are kept."
  default     = 90
}

variable "readers" {
  type        = list(string)
  description = "Who may ask the dataset."
  default     = []
}

variable "alert_mails" {
  type        = list(string)
  description = "Who is told."

  validation {
    condition     = length(var.alert_mails) > 0 && alltrue([for m in var.alert_mails : can(regex("^[^@ ]+@[^@ ]+$", m))])
    error_message = "alert_mails must be at least one mail address: an alert that nobody gets is none."
  }
}

variable "limits" {
  type        = map(number)
  description = "Limits of alerts that differ from the defaults, like { freshness_hours = 48 }."
  default     = {}
}

variable "budget" {
  type        = object({ billing_account = string, monthly = number, currency = string })
  description = "What a month may cost; null for no budget."
  default     = null
}

variable "run_book" {
  type        = string
  description = "Address of the run book, which alerts name."
  default     = "schemas/docs/runbook.md in the source tree of flowfacts"
}

variable "project" {
  type        = string
  description = "Project of the job."
}

variable "region" {
  type        = string
  description = "Region of the job."
}

variable "job_name" {
  type        = string
  description = "Name of the job; while one of this name runs, no other starts."
  default     = "flowfacts-stream"

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$", var.job_name))
    error_message = "job_name must be 1 to 40 of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "template" {
  type        = string
  description = "The flex template: gs://…/stream.json, as deploy/containers/build.sh writes it."

  validation {
    condition     = can(regex("^gs://[^/]+/.+\\.json$", var.template))
    error_message = "template must be gs://BUCKET/….json."
  }
}

variable "image" {
  type        = string
  description = "Image of the workers, by digest: the same as the template's."

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must end with @sha256:… as deploy/containers/build.sh prints it."
  }
}

variable "parameters" {
  type        = map(string)
  description = "Parameters of the template (deploy/containers/stream.metadata.json has them all)."
}

variable "temp" {
  type        = string
  description = "Folder for temporary files: gs://…"
}

variable "machine_type" {
  type        = string
  description = "Machine of a worker."
  default     = "n2d-standard-2"
}

variable "workers" {
  type        = object({ min = number, max = number })
  description = "Workers at the start, and at most."
  default     = { min = 1, max = 4 }

  validation {
    condition     = var.workers.min >= 1 && var.workers.max >= var.workers.min
    error_message = "workers.min must be at least 1, and workers.max not below it."
  }
}

variable "launcher_account" {
  type        = string
  description = "Mail address of the account that launches."
}

variable "launcher_role" {
  type        = string
  description = "Full name of a role that may create and see Dataflow jobs."
}

variable "worker_account" {
  type        = string
  description = "Mail address of the account that the workers run as."
}

variable "worker_account_name" {
  type        = string
  description = "Its full name."
}

variable "subnetwork" {
  type        = string
  description = "Subnetwork of the workers, with Private Google Access: regions/R/subnetworks/S; null for the default network."
  default     = null
}

variable "labels" {
  type        = map(string)
  description = "Labels of the job."
  default     = {}
}

variable "kms_key" {
  type        = string
  description = "Key of Cloud KMS for the job's state; null for Google's."
  default     = null
}

variable "keep_running" {
  type        = bool
  description = "Launch it again within a quarter of an hour when it is gone. Set it to false before a drain."
  default     = false
}

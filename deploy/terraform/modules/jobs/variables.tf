variable "project" {
  type        = string
  description = "Project of the jobs."
}

variable "region" {
  type        = string
  description = "Region of the jobs."
}

variable "prefix" {
  type        = string
  description = "Begin of the jobs' names."
  default     = "flowfacts"
}

variable "labels" {
  type        = map(string)
  description = "Labels of the jobs."
  default     = {}
}

variable "image" {
  type        = string
  description = "Image of the command-line jobs, by digest."

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must end with @sha256:… as deploy/containers/build.sh prints it: a tag may point elsewhere tomorrow."
  }
}

variable "scheduler_account" {
  type        = string
  description = "Mail address of the account that Cloud Scheduler starts the jobs with."
}

variable "subnetwork" {
  type        = string
  description = "Subnetwork through which all traffic goes; null for none."
  default     = null
}

variable "jobs" {
  description = "The jobs by their short name; `schedule` in cron's form, in UTC, null to start it by hand only."
  type = map(object({
    args            = list(string)
    account         = string
    schedule        = optional(string)
    paused          = optional(bool, false)
    cpu             = optional(string, "1")
    memory          = optional(string, "1Gi")
    timeout_seconds = optional(number, 3600)
    retries         = optional(number, 0)
  }))

  validation {
    condition     = alltrue([for j in var.jobs : j.schedule == null ? true : can(regex("^(\\S+ ){4}\\S+$", j.schedule))])
    error_message = "schedule must be five fields of cron, like \"20 * * * *\"."
  }

  validation {
    condition     = alltrue([for j in var.jobs : j.timeout_seconds > 0 && j.timeout_seconds <= 86400])
    error_message = "timeout_seconds must be 1 to 86400, the most of a task of Cloud Run."
  }
}

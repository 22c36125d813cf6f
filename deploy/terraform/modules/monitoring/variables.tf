variable "project" {
  type        = string
  description = "Project of metrics, alerts and dashboard."
}

variable "prefix" {
  type        = string
  description = "Begin of the names of metrics and of the jobs that are watched."
  default     = "flowfacts"
}

variable "labels" {
  type        = map(string)
  description = "Labels of the alerts."
  default     = {}
}

variable "channels" {
  type        = list(string)
  description = "Notification channels: projects/P/notificationChannels/N. An alert without one is only seen by who looks."
}

variable "limits" {
  type        = map(number)
  description = "Limits of the alerts that differ from the defaults of signals.json, by name."
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.limits), keys(jsondecode(file("${path.module}/signals.json")).limits))) == 0
    error_message = "limits has a name that no alert knows; signals.json has them all under limits."
  }
}

variable "resource_types" {
  type        = list(string)
  description = "Types of the resources on which the jobs print their lines; the first is that of the status job."
  default     = ["cloud_run_job"]

  validation {
    condition     = length(var.resource_types) > 0 && length(setsubtract(var.resource_types, ["cloud_run_job", "k8s_container", "gce_instance"])) == 0
    error_message = "resource_types must be some of cloud_run_job, k8s_container, gce_instance."
  }
}

variable "window_seconds" {
  type        = number
  description = "How long a line raises its alert; longer than the time between two looks at the output."
  default     = 7200

  validation {
    condition     = var.window_seconds >= 60 && var.window_seconds <= 86400 && var.window_seconds % 60 == 0
    error_message = "window_seconds must be whole minutes, from 60 to 86400."
  }
}

variable "subscriptions" {
  type        = list(string)
  description = "Short names of the subscriptions whose backlog is watched."
  default     = []
}

variable "stream_job" {
  type        = string
  description = "Name of the streaming job on Dataflow; null without one."
  default     = null
}

variable "run_book" {
  type        = string
  description = "Address of the run book, which each alert names."
}

variable "project" {
  type        = string
  description = "Project of topic and subscriptions."
}

variable "project_number" {
  type        = string
  description = "Its number, which names its service agents."

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number must be the number of the project, not its name: gcloud projects describe NAME."
  }
}

variable "prefix" {
  type        = string
  description = "Begin of the names."
  default     = "flowfacts"
}

variable "labels" {
  type        = map(string)
  description = "Labels of topic and subscriptions."
  default     = {}
}

variable "regions" {
  type        = list(string)
  description = "Regions in which messages may lie; they hold personal data."

  validation {
    condition     = length(var.regions) > 0
    error_message = "regions must name at least one region: without one, messages may lie anywhere."
  }
}

variable "publishers" {
  type        = list(string)
  description = "Who publishes: the service account of the platform, like serviceAccount:NAME@PROJECT.iam.gserviceaccount.com."
  default     = []

  validation {
    condition     = alltrue([for p in var.publishers : can(regex("^(serviceAccount|user|group):[^@ ]+@[^@ ]+$", p))])
    error_message = "publishers must be like serviceAccount:NAME@PROJECT.iam.gserviceaccount.com; allUsers would let anybody publish."
  }
}

variable "raw_bucket" {
  type        = string
  description = "Bucket of the archive."
}

variable "dead_letter_bucket" {
  type        = string
  description = "Bucket of messages that were given up."
}

variable "stream_member" {
  type        = string
  description = "Who reads the stream's subscription."
}

variable "land_member" {
  type        = string
  description = "Who reads the landing's subscription."
}

variable "kms_key" {
  type        = string
  description = "Key of Cloud KMS for the messages; null for Google's. The service agent of Pub/Sub must may use it."
  default     = null
}

variable "project" {
  type        = string
  description = "Project of the secret."
}

variable "name" {
  type        = string
  description = "Name of the secret."

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.name))
    error_message = "name must be of letters, digits, - and _."
  }
}

variable "location" {
  type        = string
  description = "Region in which it lies."
}

variable "labels" {
  type        = map(string)
  description = "Labels of the secret."
  default     = {}
}

variable "reader" {
  type        = string
  description = "The one job that reads it: a member like serviceAccount:…"
}

variable "kms_key" {
  type        = string
  description = "Key of Cloud KMS; null for Google's."
  default     = null
}

variable "project" {
  type        = string
  description = "Project of the dataset."
}

variable "dataset" {
  type        = string
  description = "Name of the dataset."
  default     = "flowfacts"

  validation {
    condition     = can(regex("^[A-Za-z0-9_]{1,1000}$", var.dataset))
    error_message = "dataset must be of letters, digits and _."
  }
}

variable "location" {
  type        = string
  description = "Location of the dataset: EU, US or a region. It can't be changed later."
}

variable "labels" {
  type        = map(string)
  description = "Labels of the dataset."
  default     = {}
}

variable "writers" {
  type        = map(string)
  description = "Jobs that load, by a short name: members like serviceAccount:…"
}

variable "readers" {
  type        = list(string)
  description = "Who may ask: members like group:analysts@example.com. They need roles/bigquery.jobUser where they are billed."
  default     = []

  validation {
    condition     = length(setintersection(var.readers, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "readers must be named: the facts are business figures of a company."
  }
}

variable "kms_key" {
  type        = string
  description = "Key of Cloud KMS for the tables; null for Google's."
  default     = null
}

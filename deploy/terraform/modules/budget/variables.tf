variable "billing_account" {
  type        = string
  description = "Billing account of the project."

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must be like 012345-6789AB-CDEF01: gcloud billing accounts list."
  }
}

variable "project" {
  type        = string
  description = "Name of the project, for the title."
}

variable "project_number" {
  type        = string
  description = "Number of the project."
}

variable "monthly" {
  type        = number
  description = "What a month may cost."

  validation {
    condition     = var.monthly >= 1 && floor(var.monthly) == var.monthly
    error_message = "monthly must be a whole number of at least 1."
  }
}

variable "currency" {
  type        = string
  description = "Currency of the billing account."

  validation {
    condition     = can(regex("^[A-Z]{3}$", var.currency))
    error_message = "currency must be three letters, like EUR."
  }
}

variable "channels" {
  type        = list(string)
  description = "Notification channels, at most five."
  default     = []

  validation {
    condition     = length(var.channels) <= 5
    error_message = "channels may be five at most."
  }
}

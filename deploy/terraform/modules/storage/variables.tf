variable "project" {
  type        = string
  description = "Project of the buckets."
}

variable "prefix" {
  type        = string
  description = "Begin of the buckets' names; names of buckets are unique in the world."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,48}$", var.prefix)) && !endswith(var.prefix, "-")
    error_message = "prefix must be 3 to 49 of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "location" {
  type        = string
  description = "Location of the buckets: the region of the jobs, so that nothing is paid for the way."
}

variable "labels" {
  type        = map(string)
  description = "Labels of the buckets."
  default     = {}
}

variable "output_folder" {
  type        = string
  description = "Folder of the facts in the output bucket."
  default     = "facts"
}

variable "raw_days" {
  type        = number
  description = "Days for which raw exports are kept. They hold personal data."
  default     = 400

  validation {
    condition     = var.raw_days >= 30
    error_message = "raw_days must be at least 30: a day that is not closed must not lose its files."
  }
}

variable "raw_colder_days" {
  type        = number
  description = "Days after which raw exports move to Coldline; null for never."
  default     = 60

  validation {
    condition     = var.raw_colder_days == null ? true : var.raw_colder_days >= 14
    error_message = "raw_colder_days must be at least 14: Coldline costs for every read."
  }
}

variable "dead_letter_days" {
  type        = number
  description = "Days for which the raw bytes of rejected lines and messages are kept. They hold personal data."
  default     = 90

  validation {
    condition     = var.dead_letter_days >= 14
    error_message = "dead_letter_days must be at least 14: a fix needs time to be replayed."
  }
}

variable "restore_days" {
  type        = number
  description = "Days for which deleted facts can be brought back; what was erased, too."
  default     = 7

  validation {
    condition     = var.restore_days == 0 || (var.restore_days >= 7 && var.restore_days <= 90)
    error_message = "restore_days must be 0, or 7 to 90."
  }
}

variable "kms_key" {
  type        = string
  description = "Key of Cloud KMS for the objects; null for Google's. The service agent of Cloud Storage must may use it."
  default     = null
}

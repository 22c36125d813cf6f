variable "project" {
  type        = string
  description = "Project of the accounts."
}

variable "prefix" {
  type        = string
  description = "Begin of the accounts' names."
  default     = "flowfacts"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,17}$", var.prefix))
    error_message = "prefix must be 3 to 18 of a-z, 0-9 and -, beginning with a letter: an account's id has at most 30."
  }
}

variable "jobs" {
  type        = map(string)
  description = "What each account is for, by its short name."
}

output "emails" {
  description = "Mail address of each account."
  value       = { for name, account in google_service_account.this : name => account.email }
}

output "members" {
  description = "Each account as a member of a policy."
  value       = { for name, account in google_service_account.this : name => account.member }
}

output "names" {
  description = "Full name of each account, to grant its use."
  value       = { for name, account in google_service_account.this : name => account.name }
}

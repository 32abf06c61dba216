# Writes the second factors of devise-two-factor as JSON lines, one user a line.
#
#     bin/rails runner devise-two-factor.rb > rows.jsonl                    in a Rails application
#     ruby -r ./application.rb devise-two-factor.rb > rows.jsonl            with another file that loads the model
#
# Users with otp_required_for_login false are left out. Standard error names what else is left out.
require "json"

BACKUP_CODE = { alphabet: "0123456789abcdef", length: User.otp_backup_code_length }.freeze

def authenticator(user)
  row = { type: "totp", secret: user.otp_secret.delete("= "), last_step: 0 }
  # The column is the server's time step. The passcode can be as many seconds ahead as the drift allows.
  row[:last_step] = user.consumed_timestep + (User.otp_allowed_drift / 30.0).ceil if user.consumed_timestep
  row
end

def backup_codes(user)
  hashes = user.try(:otp_backup_codes) || []
  return if hashes.empty?
  return BACKUP_CODE.merge(codes: hashes.map { |hash| { hash: hash } }) if User.pepper.blank?

  warn "user #{user.id}: the backup codes depend on Devise's pepper"
end

User.where(otp_required_for_login: true).find_each do |user|
  if user.otp_secret.blank?
    warn "user #{user.id}: a second factor is required, and there is no secret"
    next
  end
  row = { account: user.id.to_s, authenticators: [authenticator(user)] }
  codes = backup_codes(user)
  row[:backup_codes] = codes if codes
  puts row.to_json
end

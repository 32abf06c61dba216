# Makes users of devise-two-factor in ./shop.sqlite3, uses some codes, and writes ./expect.jsonl.
require_relative "application"
require "json"

ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define do
  create_table :users, force: true do |t|
    t.string :email, :encrypted_password, default: ""
    t.string :encrypted_otp_secret, :encrypted_otp_secret_iv, :encrypted_otp_secret_salt
    t.integer :consumed_timestep
    t.boolean :otp_required_for_login, default: false
    t.text :otp_backup_codes
  end
end
EXPECTED = File.open("expect.jsonl", "w")

# A user with TOTP. `used` is the passcode to use, in time steps from the current one.
def enroll(email, used: nil, length: 32)
  user = User.new(email: email, password: "not used here", otp_required_for_login: true)
  user.otp_secret = User.generate_otp_secret(length)
  user.save!
  fields = { account: user.id.to_s, type: "totp", secret: user.otp_secret, digits: 6, period: 30, t0: 0 }
  if used
    at = Time.now.to_i + 30 * used
    code = user.otp.at(at)
    raise "not accepted" unless user.validate_and_consume_otp!(code)
    fields.merge!(used_passcode: code, used_at: at)
  end
  [user, fields]
end

def recover(user)
  codes = user.generate_otp_backup_codes!
  raise "not accepted" unless user.invalidate_otp_backup_code!(codes[2])
  user.save!
  { used_backup_code: codes[2], backup_code: codes[4] }
end

def expect(fields, more = {})
  EXPECTED.puts(fields.merge(more).to_json)
end

_, fields = enroll("ada@example.com")
expect(fields)

user, fields = enroll("ben@example.com", used: 0)
expect(fields, recover(user))

user, fields = enroll("cleo@example.com", used: 1)
expect(fields, recover(user))

_, fields = enroll("dana@example.com", used: 0, length: 16)
expect(fields)

_, fields = enroll("emil@example.com", used: 1, length: 24)
expect(fields)

user, fields = enroll("fern@example.com")
expect(fields, recover(user))

# The script leaves these users out: set up and not required, no second factor.
user, = enroll("gus@example.com")
user.update!(otp_required_for_login: false)
User.create!(email: "hana@example.com", password: "not used here")

# A small application with devise-two-factor: one model in SQLite, and no web pages.
require "rails"
require "active_record"
require "devise"
require "devise/orm/active_record"
require "devise-two-factor"

ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: "shop.sqlite3")
Devise.setup do |config|
  config.secret_key = "a" * 64
  config.stretches = 12
end

class User < ActiveRecord::Base
  serialize :otp_backup_codes, Array
  devise :two_factor_authenticatable, :two_factor_backupable, otp_secret_encryption_key: "b" * 32
end

require 'active_record'
require_relative 'trial'

class Row < ActiveRecord::Base
  self.table_name = TABLE
end

# Its pool gives each thread a connection, and must be as large as there are threads.
class Client
  def initialize(number)
    @answer = "value || ' for #{number}' AS answer"
  end

  def create
    ActiveRecord::Schema.verbose = false
    ActiveRecord::Base.connection.create_table(TABLE) { |columns| columns.text :value, null: false }
  end

  def insert(row, value) = Row.create!(id: row, value: value)

  def insert_pair(row, undo)
    Row.transaction do
      [row, row + 1].each { |one| insert(one, value_of(one)) }
      raise ActiveRecord::Rollback if undo
    end
  end

  def find(row) = Row.select(@answer).where(id: row).take&.answer

  # As Rails does at the end of a request; a connection that is dead is made anew at its next checkout.
  def close = ActiveRecord::Base.clear_active_connections!
end

unless ARGV[0] == 'version'
  ActiveRecord::Base.establish_connection(url: URI_TEXT, pool: CLIENTS + 1)
  ActiveRecord::Base.logger = nil
end
main(ActiveRecord.version.to_s) { |number| Client.new(number) }

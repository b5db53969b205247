require 'pg'
require_relative 'trial'

class Undone < StandardError; end

class Client
  def initialize(number)
    @connection = PG.connect(URI_TEXT)
    @answer = "SELECT value || ' for #{number}' AS answer FROM #{TABLE} WHERE id = $1"
    @prepared = false
  end

  def create = @connection.exec("CREATE TABLE #{TABLE} (id bigint PRIMARY KEY, value text NOT NULL)")

  def insert(row, value) = @connection.exec_params("INSERT INTO #{TABLE} (id, value) VALUES ($1, $2)", [row, value])

  def insert_pair(row, undo)
    @connection.transaction do
      [row, row + 1].each { |one| insert(one, value_of(one)) }
      raise Undone if undo
    end
  rescue Undone
    # As it should be.
  end

  def find(row)
    @connection.prepare('s0', @answer) unless @prepared
    @prepared = true
    @connection.exec_prepared('s0', [row]).first&.fetch('answer')
  end

  def copy(rows)
    @connection.copy_data("COPY #{TABLE} (id, value) FROM STDIN") do
      rows.each { |row| @connection.put_copy_data("#{row}\t#{value_of(row)}\n") }
    end
  end

  def notify(message)
    @connection.exec('LISTEN news')
    @connection.exec_params("SELECT pg_notify('news', $1)", [message])
    heard = nil
    @connection.wait_for_notify(10) { |_channel, _pid, payload| heard = payload }
    heard
  end

  def close = @connection.close
end

main(PG::VERSION) { |number| Client.new(number) }

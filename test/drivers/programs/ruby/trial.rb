# What Ruby's drivers are tried at; ../README.md says what is printed.

URI_TEXT = ENV.fetch('DRIVER_URI')
TABLE = ENV.fetch('DRIVER_TABLE')
CLIENTS = ENV.fetch('DRIVER_CLIENTS', '1').to_i
KEPT_ROWS = 20
ROWS_PER_CLIENT = 10_000_000

$printing = Mutex.new
$stopping = false

def say(line)
  $printing.synchronize do
    $stdout.write("#{line.gsub("\n", ' ')}\n")
    $stdout.flush
  end
end

def value_of(row) = "row #{row}"

def expect(found, wanted)
  raise "#{found.inspect} instead of #{wanted.inspect}" unless found == wanted
end

def step(name)
  say("step #{name} #{yield == :none ? 'none' : 'ok'}")
rescue StandardError => e
  say("step #{name} #{e.class}: #{e.message}")
end

def try_all(client)
  step('create') { client.create }
  step('prepared') do
    (1..KEPT_ROWS).each { |row| client.insert(row, value_of(row)) }
    (1..KEPT_ROWS).each { |row| expect(client.find(row), "row #{row} for 1") }
  end
  step('transaction') do
    client.insert_pair(101, false)
    client.insert_pair(103, true)
    expect([client.find(101), client.find(102), client.find(103)], ['row 101 for 1', 'row 102 for 1', nil])
  end
  step('copy') do
    next :none unless client.respond_to?(:copy)

    client.copy(1001..1050)
    expect(client.find(1050), 'row 1050 for 1')
  end
  step('notification') do
    next :none unless client.respond_to?(:notify) && ENV['DRIVER_ENDPOINT'] == 'uri'

    expect(client.notify('hello'), 'hello')
  end
end

def try_refusal(client)
  step('refusal') do
    refused = begin
      client.insert(9999, 'never')
      'nothing'
    rescue StandardError => e
      e.message
    end
    raise "a write ended with #{refused}" unless refused.include?('read-only transaction')
  end
end

def write_and_read(client, number, row, turn)
  client.insert(row, value_of(row))
  say("wrote #{row}")
  if turn % 4 == 3
    say("pair #{row + 1}")
    client.insert_pair(row + 1, false)
    say("wrote #{row + 1}")
    say("wrote #{row + 2}")
  end
  say("answer #{row} #{number} #{client.find(row)}")
end

def work(number, read_only)
  client = nil
  turn = 0
  row = (number + 1) * ROWS_PER_CLIENT
  until $stopping
    begin
      client ||= yield(number)
      if read_only
        asked = 1 + turn % KEPT_ROWS
        say("answer #{asked} #{number} #{client.find(asked)}")
      else
        row += 3
        write_and_read(client, number, row, turn)
      end
      turn += 1
      sleep(0.1)
    rescue StandardError => e
      say("error #{e.class}: #{e.message}")
      begin
        client&.close
      rescue StandardError
        # It is gone.
      end
      client = nil
      sleep(0.2)
    end
  end
end

# The block answers with a client: create, insert, insert_pair, find, close; copy and notify where there are.
def main(version, &connect)
  case ARGV[0]
  when 'version' then say(version)
  when 'try' then try_all(connect.call(1))
  when 'refusal' then try_refusal(connect.call(1))
  else
    threads = Array.new(CLIENTS) { |number| Thread.new { work(number, ARGV[0] == 'read', &connect) } }
    $stdin.read
    $stopping = true
    threads.each { |thread| thread.join(20) }
  end
end

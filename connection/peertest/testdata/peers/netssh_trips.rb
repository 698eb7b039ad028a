# Trips of a Net::SSH client; see the Go type Trips.
#
# usage: netssh_trips.rb USER PASSWORD COMMAND INPUT TRIPS
require 'digest'
require 'timeout'
require 'net/ssh'

user, password, command, input, trips = ARGV
data = File.binread(input)

# Known trusts the keys of a list.
class Known
  def initialize(keys)
    @keys = keys
  end

  def verify(arguments)
    @keys.include?([arguments[:key].to_blob].pack('m0')) or raise Net::SSH::HostKeyMismatch, 'host key not known'
  end

  def verify_signature
    yield
  end
end

LISTS = %i[kex encryption hmac host_key compression].freeze

def options(port, lists, keys)
  out = { port: port, verify_host_key: Known.new(keys.split(',')), config: false, use_agent: false, keys: [],
          keys_only: true, auth_methods: ['password'], append_all_supported_algorithms: false,
          number_of_password_prompts: 0, timeout: 30, non_interactive: true }
  LISTS.zip(lists) { |name, value| out[name] = [value] unless value == '-' }
  out
end

def converse(ssh, command, data)
  digest = Digest::SHA256.new
  status = nil
  ssh.open_channel do |channel|
    channel.exec(command) do |ch, ok|
      raise 'exec refused' unless ok

      ch.on_data { |_, got| digest << got }
      ch.on_request('exit-status') { |_, got| status = got.read_long }
      ch.send_data(data)
      ch.eof!
    end
  end
  ssh.loop
  [status, digest.hexdigest]
end

File.foreach(trips, chomp: true) do |line|
  name, port, *lists, keys = line.split("\t")
  begin
    status, digest = Timeout.timeout(60) do
      Net::SSH.start('127.0.0.1', user, password: password, **options(port.to_i, lists, keys)) do |ssh|
        converse(ssh, command, data)
      end
    end
  rescue StandardError, NotImplementedError => e
    status = 'error'
    digest = "#{e.class} #{e.message}".tr("\n\t", '  ')
  end
  puts [name, status, digest].join("\t")
  $stdout.flush
end

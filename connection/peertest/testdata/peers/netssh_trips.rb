# Trips of a Net::SSH client; see the Go type Trips.
#
# usage: netssh_trips.rb USER PASSWORD COMMAND INPUT TRIPS
require 'digest'
require 'timeout'
require 'net/ssh'

user, password, command, input, trips = ARGV
data = File.binread(input)

# Known trusts the keys of a list, and what an authority has certified.
class Known
  def initialize(keys, authority)
    @keys = keys
    @authority = authority
  end

  def verify(arguments)
    key = arguments[:key]
    known = @keys.include?(base64(key))
    known = certified(key) if key.is_a?(Net::SSH::Authentication::Certificate)
    known or raise Net::SSH::HostKeyMismatch, 'host key not known'
  end

  def certified(cert)
    base64(cert.signature_key) == @authority && cert.signature_valid? && cert.valid_principals.include?('127.0.0.1')
  end

  def base64(key)
    [key.to_blob].pack('m0')
  end

  def verify_signature
    yield
  end
end

LISTS = %i[kex encryption hmac host_key compression].freeze

def options(port, lists, known, key)
  out = { port: port, verify_host_key: known, config: false, use_agent: false, keys: [],
          keys_only: true, auth_methods: ['password'], append_all_supported_algorithms: false,
          number_of_password_prompts: 0, timeout: 30, non_interactive: true }
  if key != '-'
    out[:keys] = [key]
    out[:auth_methods] = ['publickey']
    out[:keycerts] = ["#{key}-cert.pub"] if File.exist?("#{key}-cert.pub")
  end
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
  name, port, *fields = line.split("\t")
  known = Known.new(fields[5].split(','), fields[8])
  begin
    status, digest = Timeout.timeout(60) do
      Net::SSH.start('127.0.0.1', user, password: password, **options(port.to_i, fields[0, 5], known, fields[6])) do |ssh|
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

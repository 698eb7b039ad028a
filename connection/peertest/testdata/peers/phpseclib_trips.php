<?php
// Trips of a client on phpseclib 1; see the Go type Trips.
//
// usage: phpseclib_trips.php USER PASSWORD COMMAND INPUT TRIPS
//
// Its exec has no input, so the packets are made here.
error_reporting(E_ERROR);
require 'Net/SSH2.php';
require 'Crypt/RSA.php';

list(, $user, $password, $command, $input, $trips) = $argv;
$data = file_get_contents($input);

function one($name) {
	return $name === '-' ? array() : array($name);
}

function preferred($f) {
	$both = array_filter(array('crypt' => one($f[3]), 'mac' => one($f[4]), 'comp' => one($f[6])));
	return array_filter(array('kex' => one($f[2]), 'hostkey' => one($f[5]), 'client_to_server' => $both, 'server_to_client' => $both));
}

function trip($f, $user, $password, $command, $data) {
	$ssh = new Net_SSH2('127.0.0.1', (int) $f[1], 60);
	$ssh->setPreferredAlgorithms(preferred($f));
	$key = explode(' ', (string) $ssh->getServerPublicHostKey());
	if (count($key) < 2 || !in_array($key[1], explode(',', $f[7]), true)) {
		return "error\thost key not known";
	}
	$secret = $password;
	if ($f[8] !== '-') {
		$secret = new Crypt_RSA();
		$secret->loadKey(file_get_contents($f[8]));
	}
	if (!$ssh->login($user, $secret)) {
		return "error\tlogin: " . $ssh->getLastError();
	}
	if ($ssh->exec($command, false) !== true) {
		return "error\texec: " . $ssh->getLastError();
	}
	if (!$ssh->_send_channel_packet(NET_SSH2_CHANNEL_EXEC, $data)) {
		return "error\tsend: " . $ssh->getLastError();
	}
	$ssh->_send_binary_packet(pack('CN', NET_SSH2_MSG_CHANNEL_EOF, $ssh->server_channels[NET_SSH2_CHANNEL_EXEC]));
	$hash = hash_init('sha256');
	while (is_string($got = $ssh->_get_channel_packet(NET_SSH2_CHANNEL_EXEC))) {
		hash_update($hash, $got);
	}
	return $ssh->getExitStatus() . "\t" . hash_final($hash);
}

foreach (file($trips, FILE_IGNORE_NEW_LINES) as $line) {
	$f = explode("\t", $line);
	echo $f[0], "\t", strtr(trip($f, $user, $password, $command, $data), "\n", ' '), "\n";
}

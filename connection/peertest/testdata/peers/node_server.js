// A server on the npm package ssh2: one command, cat.
//
// usage: node_server.js JSON
// The first line of standard output is "listening on PORT".
'use strict';
const fs = require('fs');
const { Server, utils } = require('ssh2');

const config = JSON.parse(process.argv[2]);
const algorithms = {};
for (const [name, ours] of [['kex', 'kex'], ['cipher', 'ciphers'], ['hmac', 'macs'],
	['serverHostKey', 'signatures'], ['compress', 'compression']]) {
	if (config[ours]) algorithms[name] = config[ours];
}

const users = fs.readFileSync(config.authorized_keys, 'utf8').split('\n').filter((line) => line).map((line) => utils.parseKey(line));

function mayLogIn(a) {
	if (a.username !== config.user) return false;
	if (a.method === 'password') return a.password === config.password;
	if (a.method !== 'publickey') return false;
	const known = users.find((key) => !(key instanceof Error) && a.key.data.equals(key.getPublicSSH()));
	return known && (!a.signature || known.verify(a.blob, a.signature, a.hashAlgo) === true);
}

function session(accept) {
	const s = accept();
	s.on('exec', (ok, refuse, info) => {
		if (info.command !== 'cat') return refuse();
		const stream = ok();
		stream.on('data', (got) => {
			if (!stream.write(got)) {
				stream.pause();
				stream.once('drain', () => stream.resume());
			}
		});
		stream.on('end', () => {
			stream.exit(0);
			stream.end();
		});
	});
}

const server = new Server({ hostKeys: config.host_keys.map((path) => fs.readFileSync(path)), algorithms }, (client) => {
	client.on('authentication', (a) => {
		if (mayLogIn(a)) a.accept();
		else a.reject(['password', 'publickey']);
	});
	client.on('session', session);
	client.on('error', (err) => console.error(String(err)));
});
server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));
process.stdin.resume().on('end', () => process.exit(0)); // our input ends with the test

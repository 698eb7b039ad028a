// Trips of a client on the npm package ssh2; see the Go type Trips.
//
// usage: node_trips.js USER PASSWORD COMMAND INPUT TRIPS
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { Client } = require('ssh2');

const [user, password, command, input, trips] = process.argv.slice(2);
const data = fs.readFileSync(input);
const LISTS = ['kex', 'cipher', 'hmac', 'serverHostKey', 'compress'];

function trip(port, lists, keys, key) {
	const algorithms = {};
	LISTS.forEach((name, i) => {
		if (lists[i] !== '-') algorithms[name] = [lists[i]];
	});
	const known = keys.split(',');
	const login = key === '-' ? { password } : { privateKey: fs.readFileSync(key) };
	return new Promise((resolve, reject) => {
		const client = new Client();
		client.on('error', reject);
		client.on('ready', () => client.exec(command, (err, stream) => {
			if (err) return reject(err);
			const digest = crypto.createHash('sha256');
			let status = null;
			stream.on('data', (got) => digest.update(got));
			stream.stderr.resume();
			stream.on('exit', (code) => { status = code; });
			stream.on('close', () => {
				client.end();
				resolve([status, digest.digest('hex')]);
			});
			stream.end(data);
		}));
		client.connect({
			host: '127.0.0.1', port, username: user, ...login, algorithms, readyTimeout: 60000,
			hostVerifier: (key) => known.includes(key.toString('base64')),
		});
	});
}

async function main() {
	for (const line of fs.readFileSync(trips, 'utf8').split('\n')) {
		if (!line) continue;
		const [name, port, ...rest] = line.split('\t');
		let outcome;
		try {
			outcome = await trip(Number(port), rest.slice(0, 5), rest[5], rest[6]);
		} catch (err) {
			outcome = ['error', String(err).replace(/[\n\t]/g, ' ')];
		}
		console.log([name, ...outcome].join('\t'));
	}
}

main();

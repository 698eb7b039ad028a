// Writes the keys of PEM files as JSON Web Keys: NAME.jwk for each NAME.pem, and all of them as a set.
const crypto = require('crypto'), fs = require('fs');

const keys = process.argv.slice(2).map((name) => {
  const jwk = crypto.createPrivateKey(fs.readFileSync(name + '.pem')).export({format: 'jwk'});
  jwk.kid = name;
  fs.writeFileSync(name + '.jwk', JSON.stringify(jwk) + '\n');
  return jwk;
});
fs.writeFileSync('set.jwk', JSON.stringify({keys}, null, 1) + '\n');
const {kty, n, e} = keys[0];
fs.writeFileSync('public.jwk', JSON.stringify({kty, n, e, kid: 'public'}) + '\n');

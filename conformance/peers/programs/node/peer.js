// Shakes hands with Node's tls module as lines on standard input say; see src/matrix/peers/lines.rs.
'use strict';

const fs = require('node:fs');
const { constants } = require('node:crypto');
const readline = require('node:readline');
const tls = require('node:tls');

const REQUEST = 'GET / HTTP/1.0\r\n\r\n';
const ANSWER = 'HTTP/1.0 200 OK\r\n\r\nserved\n';
const PATIENCE_MS = 20000;
const VERSIONS = { 'TLSv1.2': '1.2', 'TLSv1.3': '1.3' };

function describe() {
  const [major] = process.versions.node.split('.');
  const openssl = process.versions.openssl.split('.').slice(0, 2);
  say('product', `Node ${major} (OpenSSL ${openssl.join('.')})`);
  say('suites', ...tls.getCiphers().map((name) => name.toUpperCase()));
  for (const version of ['1.3', '1.2']) {
    const known = ['X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1', 'secp521r1'].filter(takesGroup);
    // Finite fields as groups came with OpenSSL 3; in TLS 1.2 a server has its parameters from a file.
    const fields = ['ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'ffdhe6144', 'ffdhe8192'];
    say('groups', version, ...known, ...fields.filter((field) => version === '1.2' || takesGroup(field)));
  }
  const newer = openssl[0] > 3 || (openssl[0] === '3' && Number(openssl[1]) >= 5);
  const mldsa = newer ? ['mldsa44', 'mldsa65', 'mldsa87'] : [];
  say('certificates', 'rsa2048', 'rsapss', 'p256', 'p384', 'p521', 'ed25519', ...mldsa);
}

function takesGroup(group) {
  try {
    tls.createSecureContext({ ecdhCurve: group });
    return true;
  } catch {
    return false;
  }
}

function options(job) {
  const all = {
    minVersion: `TLSv${job.version}`,
    maxVersion: `TLSv${job.version}`,
    ciphers: job.suite_openssl,
    ca: fs.readFileSync(job.ca),
  };
  if (job.groups_openssl !== '' && !(job.version === '1.2' && job.dh !== '')) {
    all.ecdhCurve = job.groups_openssl;
  }
  if (job.certificate !== '') {
    all.cert = fs.readFileSync(job.certificate);
    all.key = fs.readFileSync(job.key);
  }
  if (job.flow === 'session id') {
    all.secureOptions = constants.SSL_OP_NO_TICKET;
  }
  return all;
}

async function client(job) {
  const all = { ...options(job), host: '127.0.0.1', port: Number(job.port), servername: job.host };
  let session;
  for (let i = 0; i < Number(job.connections); i++) {
    const socket = tls.connect({ ...all, session });
    socket.on('session', (fresh) => (session = fresh));
    socket.on('secureConnect', () => report(socket, socket.getEphemeralKeyInfo()));
    socket.write(REQUEST);
    expect(await everything(socket), ANSWER);
  }
}

async function server(job) {
  const all = { ...options(job), requestCert: job.client_auth === 'true', rejectUnauthorized: true };
  if (job.dh !== '') {
    all.dhparam = fs.readFileSync(job.dh);
  }
  const listener = tls.createServer(all);
  if (job.flow === 'session id') {
    const sessions = new Map();
    listener.on('newSession', (id, data, done) => {
      sessions.set(id.toString('hex'), data);
      done();
    });
    listener.on('resumeSession', (id, done) => done(null, sessions.get(id.toString('hex')) ?? null));
  }
  let open = Number(job.connections);
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nobody came')), PATIENCE_MS);
    const settle = (how) => (value) => {
      clearTimeout(timer);
      how(value);
    };
    listener.on('error', settle(reject));
    listener.on('tlsClientError', settle(reject));
    listener.on('secureConnection', (socket) => {
      report(socket);
      let got = '';
      socket.on('error', settle(reject));
      socket.on('data', (piece) => {
        got += piece;
        if (got.length >= REQUEST.length) socket.end(ANSWER);
      });
      socket.on('close', () => {
        try {
          expect(got, REQUEST);
          if (--open === 0) settle(resolve)();
        } catch (error) {
          settle(reject)(error);
        }
      });
    });
    listener.listen(0, '127.0.0.1', () => say('listening', listener.address().port));
  }).finally(() => listener.close());
}

function everything(socket) {
  return new Promise((resolve, reject) => {
    let got = '';
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('Keyward says nothing')));
    socket.on('data', (piece) => (got += piece));
    socket.on('end', () => socket.end());
    socket.on('error', reject);
    socket.on('close', () => resolve(got));
  });
}

function expect(got, expected) {
  if (got !== expected) throw new Error(`${JSON.stringify(got)}, not ${JSON.stringify(expected)}`);
}

function report(socket, ephemeral) {
  const fields = [
    `version=${VERSIONS[socket.getProtocol()]}`,
    `suite=${socket.getCipher().standardName}`,
    `resumed=${socket.isSessionReused()}`,
  ];
  // Node knows no certificate of a server whose session it resumes.
  if (!socket.isSessionReused() || ephemeral === undefined) {
    fields.push(`peer=${socket.getPeerCertificate()?.subject?.CN ?? ''}`);
  }
  if (ephemeral?.type === 'ECDH' && ephemeral.name) {
    fields.push(`group=${ephemeral.name}`);
  }
  say('connection', ...fields);
}

function say(...words) {
  fs.writeSync(1, `${words.join('\t')}\n`);
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const job = Object.fromEntries(line.split('\t').map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)];
    }));
    try {
      await { describe, client, server }[job.role](job);
      say('done');
    } catch (error) {
      say('failed', String(error).replace(/[\n\t]/g, ' '));
    }
  }
}

main();

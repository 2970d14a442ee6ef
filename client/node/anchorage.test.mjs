// Run by `test`, in a folder in which the package is installed.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';

const require = createRequire(path.join(process.cwd(), 'test.js'));
const {
  AnchorageError,
  AttestationPolicy,
  Client,
  IdentityPolicy,
  Ledger,
  Refused,
  attest,
  version,
} = require('anchorage');

const read = (name) =>
  fs.readFileSync(
    new URL(`../../test/vectors/real/${name}`, import.meta.url),
  );
const recent = 'iid/apse2-2026-ts-verify';
const rsa2048 = read(`${recent}/rsa2048.b64`);
const nitroTpm = read('nitro-tpm/live-usw2-i-000fa553.cbor');
// When it was made.
const recordedAt = new Date('2026-08-13T17:36:48.432Z');

const policy = new IdentityPolicy('authenticity_only: a test');
const imagePolicy = new AttestationPolicy(
  JSON.stringify({
    type: 'TYPE_NITRO_TPM',
    condition: {
      all_of: [
        {
          key: 'NitroTPMPCR4',
          values: [
            '3c428daf639a86655cbe8aeff1eeb298f59c6a82d8ea6fdc' +
              '34c6f3af1d2582f091a25aca4a6f390c32f0f7701952829a',
          ],
        },
        { key: 'NitroTPMPCR12', values: ['0'.repeat(96)] },
      ],
    },
    ignore_the_rest: 'a test',
  }),
);

// Expects a refusal of evidence.
const refused = (reason, code) => (error) => {
  assert.ok(error instanceof Refused, String(error));
  assert.equal(error.reason, reason, error.message);
  assert.equal(error.code, code);
  assert.equal(error.name, 'Refused');
  assert.ok(error.message);
  return true;
};

// Expects a failure that is none.
const failed = (code) => (error) => {
  assert.ok(error instanceof AnchorageError, String(error));
  assert.ok(!(error instanceof Refused));
  assert.equal(error.code, code);
  assert.ok(error.reason && error.message);
  return true;
};
const mistake = failed('USAGE');

const isObject = (value) =>
  assert.ok(Object.keys(JSON.parse(JSON.stringify(value))).length > 0);

test('the version', () => assert.match(version, /^\d+\.\d+\.\d+/));

test('verifies the real identity', async () => {
  const machine = await new Client().verifyIdentity(rsa2048, {
    policy: new IdentityPolicy(
      'accounts: ["189292791360"]\nignore_the_rest: a test',
      'licence.yaml',
    ),
  });
  const { document, notes, signingTime, ...rest } = machine;
  assert.deepEqual(rest, {
    accountId: '189292791360',
    region: 'ap-southeast-2',
    partition: 'aws',
    availabilityZone: 'ap-southeast-2a',
    instanceId: 'i-0c5541936caf78c12',
    instanceType: 't4g.small',
    imageId: 'ami-0cbde744623b7506b',
    architecture: 'arm64',
    version: '2017-09-30',
    kernelId: null,
    ramdiskId: null,
    privateIp: '10.0.1.242',
    productCodes: null,
    billingProducts: null,
    pendingTime: new Date('2026-02-16T00:38:27Z'),
    form: 'rsa2048',
  });
  assert.deepEqual(document, read(`${recent}/document`));
  assert.ok(Array.isArray(notes));
  assert.ok(signingTime === null || signingTime instanceof Date);
  isObject(machine);
});

test('verifies the signature of a document', async () => {
  const client = new Client();
  const machine = await client.verifyIdentity(
    read(`${recent}/signature.b64`).toString(),
    { policy, form: 'signature', document: read(`${recent}/document`) },
  );
  assert.equal(machine.form, 'signature');
  const invalid = 'negative/iid-ts-invalid-document';
  await assert.rejects(
    client.verifyIdentity(read(`${invalid}/signature.b64`), {
      policy,
      document: read(`${invalid}/document`),
    }),
    refused('SIGNATURE_MISMATCH', 'NOT_FROM_AWS'),
  );
});

test('refuses a changed identity', async () => {
  const der = Buffer.from(rsa2048.toString(), 'base64');
  der.write('189292791361', der.indexOf('189292791360'));
  await assert.rejects(
    new Client().verifyIdentity(der, { policy }),
    refused('DIGEST_MISMATCH', 'NOT_FROM_AWS'),
  );
});

test('refuses a machine without the licence', async () => {
  const licence = new IdentityPolicy(
    'product_codes: {any_of: [abc]}\nignore_the_rest: a test',
  );
  await assert.rejects(
    new Client().verifyIdentity(rsa2048, { policy: licence }),
    (error) => {
      refused('PRODUCT_CODE_NOT_ALLOWED', 'REFUSED_BY_POLICY')(error);
      assert.equal(error.check, 'product-codes');
      assert.equal(error.certificateIndex, null);
      isObject(error);
      return true;
    },
  );
});

test('refuses text that is no evidence', async () => {
  await assert.rejects(
    new Client().verifyIdentity('', { policy }),
    (error) => error instanceof Refused && error.code === 'UNREADABLE',
  );
});

test('verifies the real NitroTPM', async () => {
  const machine = await new Client().verifyAttestation(nitroTpm, {
    policy: imagePolicy,
    recordedAt,
  });
  const { nonce, publicKey, pcrs, notes, ...rest } = machine;
  assert.deepEqual(rest, {
    type: 'NITRO_TPM',
    moduleId: 'i-000fa553dad58a9f1-tpm0000000000000000',
    instanceId: 'i-000fa553dad58a9f1',
    region: 'us-west-2',
    partition: 'aws',
    release: null,
    time: recordedAt,
    userData: null,
  });
  assert.equal(nonce.length, 64);
  assert.equal(publicKey.length, 91);
  assert.equal(pcrs.get(12).toString('hex'), '0'.repeat(96));
  assert.ok(!pcrs.has(31));
  assert.ok(Array.isArray(notes));
  isObject(machine);
});

test('refuses a changed attestation', async () => {
  const changed = Buffer.from(nitroTpm);
  changed[changed.length - 1] ^= 1;
  await assert.rejects(
    new Client().verifyAttestation(changed, { policy: imagePolicy, recordedAt }),
    refused('SIGNATURE_MISMATCH', 'NOT_FROM_AWS'),
  );
});

test('the nonce is expected, and so is what is empty', async () => {
  const client = new Client();
  const options = { policy: imagePolicy, recordedAt };
  const { nonce } = await client.verifyAttestation(nitroTpm, options);
  await client.verifyAttestation(nitroTpm, { ...options, nonce });
  for (const [name, expected] of [
    ['nonce', mistake],
    ['userData', refused('USER_DATA_MISMATCH', 'STALE_OR_FOR_ANOTHER')],
    ['publicKey', refused('PUBLIC_KEY_MISMATCH', 'STALE_OR_FOR_ANOTHER')],
  ]) {
    await assert.rejects(
      client.verifyAttestation(nitroTpm, {
        ...options,
        [name]: Buffer.alloc(0),
      }),
      expected,
      name,
    );
  }
});

test('evidence may change while it is verified', async () => {
  const evidence = Buffer.from(rsa2048);
  const verified = new Client().verifyIdentity(evidence, { policy });
  evidence.fill(0);
  await verified;
});

test('what was not found is not "not given"', async () => {
  const client = new Client();
  const options = { policy: imagePolicy, recordedAt };
  for (const value of [undefined, null, 'text', 1, {}]) {
    for (const name of ['policy', 'nonce', 'userData', 'publicKey']) {
      await assert.rejects(
        client.verifyAttestation(nitroTpm, { ...options, [name]: value }),
        mistake,
        name,
      );
    }
    await assert.rejects(client.verifyIdentity(rsa2048, value), mistake);
  }
  for (const name of ['document', 'form', 'replay', 'recordedAt', 'trace']) {
    await assert.rejects(
      client.verifyIdentity(rsa2048, { policy, [name]: undefined }),
      mistake,
      name,
    );
  }
  for (const changed of [
    { nonse: Buffer.alloc(1) },
    { recordedAt: new Date(NaN) },
    { document: nitroTpm },
  ]) {
    await assert.rejects(
      client.verifyAttestation(nitroTpm, { ...options, ...changed }),
      mistake,
    );
  }
  await assert.rejects(
    client.verifyAttestation(
      nitroTpm,
      Object.create({ ...options, nonce: Buffer.alloc(1) }),
    ),
    Refused,
  );
  await assert.rejects(client.verifyIdentity(undefined, { policy }), mistake);
  await assert.rejects(client.verifyAttestation(null, options), mistake);
  await assert.rejects(
    client.verifyIdentity(rsa2048, { policy: imagePolicy }),
    mistake,
  );
});

test('mistakes in what a client or a policy is made of', async () => {
  for (const options of [
    null,
    { url: undefined },
    { urls: 'https://trust.example.com/tuf/' },
    // It needs a root.
    { url: 'https://trust.example.com/tuf/' },
    { timeoutMs: 0.5 },
    { timeoutMs: '20' },
    { identityWhenExpired: 'accept' },
    { bakedBundle: Buffer.alloc(1) },
  ]) {
    assert.throws(() => new Client(options), mistake, JSON.stringify(options));
  }
  assert.throws(() => new IdentityPolicy('{}'), mistake);
  assert.throws(() => new IdentityPolicy(undefined), mistake);
  assert.throws(() => new AttestationPolicy(null), mistake);
  assert.throws(() => new Ledger(0), mistake);
  await assert.rejects(IdentityPolicy.load('none'), { code: 'ENOENT' });
});

test('a single use', async () => {
  const client = new Client();
  const ledger = new Ledger(10);
  const options = { policy, replay: { ledger, mode: 'single-use' } };
  await client.verifyIdentity(rsa2048, options);
  await assert.rejects(
    client.verifyIdentity(rsa2048, options),
    refused('REPLAYED', 'STALE_OR_FOR_ANOTHER'),
  );
  assert.equal(ledger.forgetBefore(new Date()), 1);
  for (const replay of [{ ledger }, { mode: 'single-use' }, {}]) {
    await assert.rejects(
      client.verifyIdentity(rsa2048, { policy, replay }),
      mistake,
    );
  }
});

test('the first use binds', async () => {
  const client = new Client();
  const ledger = new Ledger(10);
  const verify = (replay) =>
    client.verifyIdentity(rsa2048, { policy, replay: { ledger, ...replay } });
  const mode = 'first-use-binds';
  await verify({ mode, binding: 'one' });
  await verify({ mode, binding: 'one' });
  await assert.rejects(
    verify({ mode, binding: 'another' }),
    refused('REPLAYED', 'STALE_OR_FOR_ANOTHER'),
  );
  for (const wrong of [
    { mode },
    { mode, binding: '' },
    { mode, binding: undefined },
    { mode: 'single-use', binding: 'one' },
  ]) {
    await assert.rejects(verify(wrong), mistake, JSON.stringify(wrong));
  }
  await verify({ mode: 'newest-pending-time' });
  await verify({ mode: 'newest-pending-time' });
});

test('the built-in set', () => {
  const state = new Client().state();
  assert.equal(state.origin, 'BAKED_IN');
  assert.equal(state.freshness, 'BAKED_IN');
  assert.equal(typeof state.sequence, 'bigint');
  assert.ok(state.asOf > new Date('2025-01-01'));
  assert.equal(state.freshUntil, null);
  isObject(state.toJSON());
});

test('a closed client', async () => {
  const client = new Client();
  const before = client.verifyIdentity(rsa2048, { policy });
  await Promise.all([client.close(), client.close()]);
  await before;
  await client.close();
  await assert.rejects(client.verifyIdentity(rsa2048, { policy }), mistake);
  await assert.rejects(client.refresh(), mistake);
  assert.throws(() => client.state(), mistake);
});

test('many at once', async () => {
  const client = new Client();
  await Promise.all(
    Array.from({ length: 500 }, () =>
      client.verifyIdentity(rsa2048, { policy }),
    ),
  );
});

test('a worker thread that ends with work under way', async () => {
  const worker = new Worker(
    `const { workerData: [module, evidence] } = require('node:worker_threads');
     const { Client, IdentityPolicy } = require(module);
     const policy = new IdentityPolicy('authenticity_only: a test');
     const client = new Client();
     for (let n = 0; n < 50; ++n) client.verifyIdentity(evidence, { policy });
     process.exit(7);`,
    { eval: true, workerData: [require.resolve('anchorage'), rsa2048] },
  );
  const code = await new Promise((resolve, reject) => {
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  assert.equal(code, 7);
});

test('index.d.ts declares what there is', async () => {
  const types = fs.readFileSync(
    new URL('index.d.ts', import.meta.url),
    'utf8',
  );
  const names = (text, pattern) =>
    [...text.matchAll(pattern)].map(([, name]) => name).sort();
  assert.deepEqual(
    names(types, /^export (?:class|const|function) (\w+)/gm),
    Object.keys(require('anchorage')).sort(),
  );
  const client = new Client();
  const given = {
    Identity: await client.verifyIdentity(rsa2048, { policy }),
    Attestation: await client.verifyAttestation(nitroTpm, {
      policy: imagePolicy,
      recordedAt,
    }),
    State: client.state(),
  };
  for (const [type, value] of Object.entries(given)) {
    const [, body] = types.match(
      new RegExp(`^export interface ${type} {\\n([^]*?)^}`, 'm'),
    );
    assert.deepEqual(
      names(body, /^  readonly (\w+):/gm),
      Object.keys(value).sort(),
      type,
    );
  }
});

// What a product in TypeScript may write, and what it may not.
const program = `
import { Client, IdentityPolicy, Refused, version, type Identity } from 'anchorage';
const client = new Client({ url: 'https://trust.example.com/tuf/', trustedRoot: '{}' });
async function check(policy: IdentityPolicy): Promise<string> {
  try {
    const machine: Identity = await client.verifyIdentity('', { policy });
    // @ts-expect-error it may be absent
    const kernel: string = machine.kernelId;
    // @ts-expect-error a result does not change
    machine.region = '';
    // @ts-expect-error a policy for something else
    await client.verifyAttestation(machine.document, { policy });
    // @ts-expect-error null is not "not given"
    await client.verifyIdentity('', { policy, document: null });
    // @ts-expect-error a name that no option has
    await client.verifyIdentity('', { policy, nonse: '' });
    return machine.accountId + machine.document.toString('hex') + version + kernel;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const check: string | null = error.check;
    return error.reason + check;
  }
}
void check(new IdentityPolicy('{}')).then(() => client.close());
`;
const hasTsc = spawnSync('tsc', ['--version']).status === 0;

test('types', { skip: !hasTsc && 'tsc is not installed' }, () => {
  const node = 'node_modules/@types/node';
  if (!fs.existsSync(node)) {
    // As much of it as index.d.ts uses.
    fs.mkdirSync(node, { recursive: true });
    fs.writeFileSync(
      `${node}/index.d.ts`,
      'declare class Buffer extends Uint8Array {\n' +
        "  toString(encoding?: 'hex'): string;\n}\n",
    );
  }
  for (const [name, module] of [
    ['program.ts', 'commonjs'],
    ['program.mts', 'node16'],
  ]) {
    fs.writeFileSync(name, program);
    const options = ['--strict', '--noEmit', '--target', 'es2020'];
    const { status, stdout } = spawnSync(
      'tsc',
      [...options, '--module', module, '--moduleResolution', 'node16', name],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, `${name}: ${stdout}`);
  }
});

test('the names as a module of ES has them', async () => {
  fs.writeFileSync('names.mjs', "export * from 'anchorage';\n");
  const names = await import(path.join(process.cwd(), 'names.mjs'));
  assert.deepEqual(Object.keys(names).sort(), [
    ...Object.keys(require('anchorage')),
  ].sort());
});

// The repository that the environment names: its URL, and the path of its root.
const url = process.env.ANCHORAGE_TEST_URL;
const root = process.env.ANCHORAGE_TEST_ROOT;
const skip =
  !(url && root) &&
  'ANCHORAGE_TEST_URL and ANCHORAGE_TEST_ROOT name no repository';

test('refreshes', { skip }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'anchorage-'));
  try {
    const options = {
      url,
      trustedRoot: fs.readFileSync(root),
      cacheDir: folder,
      backgroundRefresh: false,
    };
    const client = new Client(options);
    await client.refresh();
    const state = client.state();
    assert.equal(state.origin, 'SERVER');
    assert.equal(state.freshness, 'FRESH');
    assert.ok(state.freshUntil > new Date());
    await client.verifyIdentity(rsa2048, { policy });
    await client.close();
    const next = new Client(options);
    assert.equal(next.state().origin, 'CACHE');
    await next.close();
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('nobody answers', { skip }, async () => {
  const client = new Client({
    url: 'http://127.0.0.1:1/',
    trustedRoot: fs.readFileSync(root),
    backgroundRefresh: false,
  });
  await assert.rejects(client.refresh(), failed('UNREACHABLE'));
});

test('a loop of its own', { skip }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'anchorage-'));
  try {
    const metricsFile = path.join(folder, 'product.prom');
    const silent = {
      url: 'http://127.0.0.1:1/tuf/',
      trustedRoot: fs.readFileSync(root),
      backgroundRefresh: false,
    };
    const client = new Client({ ...silent, furtherUrls: [url], metricsFile });
    assert.equal(client.firstPauseMs(), 0);
    const { error, pauseMs } = await client.refreshOnce();
    assert.equal(error, null);
    assert.ok(pauseMs > 3000000 && pauseMs < 4200000, String(pauseMs));
    assert.match(fs.readFileSync(metricsFile, 'utf8'), /anchorage_client_/);
    const failure = await new Client(silent).refreshOnce();
    assert.equal(failure.error.code, 'UNREACHABLE');
    assert.ok(failure.pauseMs > 0 && failure.pauseMs < 60000);
    const alone = await new Client().refreshOnce();
    assert.ok(alone.error instanceof AnchorageError);
    assert.equal(alone.pauseMs, null);
    assert.equal(new Client().firstPauseMs(), null);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('options that need others', () => {
  for (const options of [
    { furtherUrls: ['http://127.0.0.1/'] },
    { furtherUrls: 'http://127.0.0.1/' },
    { metricsFile: 'product.prom' },
    { reportOutcomes: true },
    { reportSample: 2 ** 32 + 1 },
  ]) {
    assert.throws(() => new Client(options), failed('USAGE'));
  }
});

const imdsUrl = process.env.ANCHORAGE_TEST_IMDS;
const noImds = !imdsUrl && 'ANCHORAGE_TEST_IMDS names no metadata service';
const attestProgram = process.env.ANCHORAGE_TEST_ATTEST;
const noProgram = !attestProgram && 'ANCHORAGE_TEST_ATTEST names no program';

test('this instance', { skip: noImds }, async () => {
  const client = new Client();
  const options = {
    policy,
    imdsUrl,
    imdsTimeoutMs: 5000,
    replay: { ledger: new Ledger(10), mode: 'single-use' },
  };
  const machine = await client.verifyThisInstance(options);
  assert.equal(machine.region, 'us-west-2');
  assert.equal(machine.form, 'rsa2048');
  await assert.rejects(client.verifyThisInstance(options), {
    reason: 'REPLAYED',
  });
});

test('this is no instance', async () => {
  const client = new Client();
  await assert.rejects(
    client.verifyThisInstance({ policy, imdsUrl: 'http://127.0.0.1:1' }),
    { name: 'Refused', code: 'UNDECIDED', reason: 'IMDS_ABSENT' },
  );
  for (const more of [{ imdsUrl: 'ftp://127.0.0.1' }, { imdsUrl: null }]) {
    await assert.rejects(
      client.verifyThisInstance({ policy, ...more }),
      failed('USAGE'),
    );
  }
});

test('attests', { skip: noProgram }, async () => {
  const nonce = Buffer.from('a nonce of mine');
  const attested = await attest({ nonce, program: attestProgram, timeoutMs: 20000 });
  assert.ok(attested.document.includes(nonce));
  assert.equal(attested.source, 'PROGRAM');
  assert.equal(attested.privateKey, null);
  const { document, privateKey } = await attest({
    newKey: true,
    program: attestProgram,
  });
  const key = crypto.createPrivateKey({
    key: privateKey,
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = crypto
    .createPublicKey(key)
    .export({ format: 'der', type: 'spki' });
  assert.ok(document.includes(publicKey));
  await assert.rejects(
    attest({ newKey: true, publicKey, program: attestProgram }),
    failed('USAGE'),
  );
});

test('nobody attests', async () => {
  await assert.rejects(attest({ program: '/nowhere/at/all' }), {
    reason: 'ATTESTATION_ABSENT',
  });
  await assert.rejects(attest({ nonce: 'text' }), failed('USAGE'));
});

// A server that takes connections and never answers.
async function silent(use) {
  const sockets = new Set();
  const server = net.createServer((socket) => sockets.add(socket.resume()));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${server.address().port}/`, server);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const slow = (url) =>
  new Client({
    url,
    trustedRoot: fs.readFileSync(root),
    backgroundRefresh: false,
    timeoutMs: 60000,
  });

test('refreshes leave the pool to others, and end with close()', { skip }, () =>
  silent(async (url) => {
    const clients = Array.from({ length: 6 }, () => slow(url));
    const refreshes = clients.map((client) =>
      assert.rejects(client.refresh(), failed('UNREACHABLE')),
    );
    const start = Date.now();
    await clients[0].verifyIdentity(rsa2048, { policy });
    assert.ok(Date.now() - start < 2000);
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(refreshes);
    assert.ok(Date.now() - start < 15000);
  }));

test('process.exit() and the end of a worker end refreshes', { skip }, () =>
  silent(async (url, server) => {
    const program = `
      const { Client } = require('anchorage');
      new Client({
        url: ${JSON.stringify(url)},
        trustedRoot: require('fs').readFileSync(${JSON.stringify(root)}),
        backgroundRefresh: false,
        timeoutMs: 60000,
      }).refresh();`;
    const start = Date.now();
    let asked = new Promise((resolve) => server.once('connection', resolve));
    const worker = new Worker(program, { eval: true });
    await asked;
    await worker.terminate();

    asked = new Promise((resolve) => server.once('connection', resolve));
    const child = spawn(process.execPath, ['-e', `${program}
      process.stdin.once('data', () => process.exit(7));`]);
    await asked;
    child.stdin.end('x');
    const [code] = await once(child, 'exit');
    assert.equal(code, 7);
    assert.ok(Date.now() - start < 30000);
  }));

test('a client that nothing refers to stops', { skip }, async () => {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc');
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const asked = new Promise((resolve) => server.once('connection', resolve));
  new Client({
    url: `http://127.0.0.1:${server.address().port}/`,
    trustedRoot: fs.readFileSync(root),
  });
  const socket = await asked;
  let stopped = false;
  socket.on('close', () => (stopped = true)).resume();
  for (let n = 0; n < 100 && !stopped; ++n) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(stopped);
  server.close();
});

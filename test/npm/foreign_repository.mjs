// Our TUF client against a repository that @tufjs/repo-mock has made.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { changes, startServer } from './servers.mjs';

const require = createRequire(import.meta.url);
const { canonicalize } = require('@tufjs/canonical-json');
const models = require('@tufjs/models');
const { initializeTUFRepo, tufHandlers } = require('@tufjs/repo-mock');
const { KeyPair } = require('@tufjs/repo-mock/dist/key');
const metadata = require('@tufjs/repo-mock/dist/metadata');
const { collectTargets } = require('@tufjs/repo-mock/dist/target');

const TARGETS = [
  { name: 'hello.txt', content: 'hello from another repository\n' },
];

// repo-mock dates to the millisecond and makes up its key ids; TUF has seconds
// and one way to make an id, and our client holds a repository to both. This
// does what initializeTUFRepo() does, from the same parts, with the two put
// right.
function makeRepository() {
  const toISOString = Date.prototype.toISOString;
  Date.prototype.toISOString = function () {
    return toISOString.call(this).replace(/\.\d+Z$/, 'Z');
  };
  try {
    const key = new KeyPair();
    const { keyType, scheme, keyVal } = key.publicKey;
    const keyID = crypto
      .createHash('sha256')
      .update(canonicalize(key.publicKey.toJSON()))
      .digest('hex');
    key.publicKey = new models.Key({ keyID, keyType, scheme, keyVal });
    const targetsMeta = metadata.createTargetsMeta(collectTargets(TARGETS), key);
    const snapshotMeta = metadata.createSnapshotMeta(targetsMeta, key);
    const timestampMeta = metadata.createTimestampMeta(snapshotMeta, key);
    const rootMeta = metadata.createRootMeta(key);
    return { rootMeta, timestampMeta, snapshotMeta, targetsMeta, targets: TARGETS };
  } finally {
    Date.prototype.toISOString = toISOString;
  }
}

function answerFrom(repository) {
  const handlers = new Map(
    tufHandlers(repository, {}).map(({ path: at, fn }) => [at, fn]),
  );
  return (requestPath) => {
    const answer = handlers.get(requestPath)?.();
    return {
      status: answer?.statusCode ?? 404,
      body: answer?.response ?? '',
    };
  };
}

// Runs the client; returns its exit code and what it said.
function run(program, args) {
  return new Promise((resolve) => {
    execFile(program, args, (error, _stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stderr });
    });
  });
}

// Has the client fetch hello.txt from `repository`, changed on the way.
async function download(program, repository, change, scratch) {
  const server = await startServer(answerFrom(repository), change);
  const metadataDir = path.join(scratch, 'metadata');
  const targetDir = path.join(scratch, 'targets');
  const root = path.join(scratch, 'trusted.json');
  fs.writeFileSync(root, JSON.stringify(repository.rootMeta.toJSON()));
  try {
    const trust = await run(program, [
      '--metadata-dir', metadataDir, 'init', root,
    ]);
    assert.equal(trust.code, 0, trust.stderr);
    const result = await run(program, [
      '--metadata-dir', metadataDir,
      '--metadata-url', `${server.url}/metadata`,
      '--target-dir', targetDir,
      '--target-base-url', `${server.url}/targets`,
      '--target-name', TARGETS[0].name,
      'download',
    ]);
    const file = path.join(targetDir, TARGETS[0].name);
    return {
      ...result,
      changed: server.state.changed,
      file: fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined,
    };
  } finally {
    server.stop();
  }
}

// What our client says of a changed byte.
const refusals = {
  target: 'TARGET_HASH_MISMATCH',
  snapshot: 'HASH_MISMATCH',
  timestampSignature: 'THRESHOLD_NOT_MET',
};

export function foreignRepositoryCases(tufClient) {
  const refuse = async (repository, change, reason, scratch) => {
    const result = await download(tufClient, repository, change, scratch);
    assert.equal(result.code, 1);
    assert.ok(result.stderr.includes(`error: ${reason}`), result.stderr);
    assert.equal(result.file, undefined);
    return result;
  };
  const cases = [
    [
      'tuf_client reads a repository of @tufjs/repo-mock',
      async (scratch) => {
        const result = await download(
          tufClient, makeRepository(), undefined, scratch,
        );
        assert.equal(result.code, 0, result.stderr);
        assert.equal(result.file, TARGETS[0].content);
      },
    ],
    [
      'tuf_client refuses dates that TUF does not have, as repo-mock writes',
      (scratch) =>
        refuse(
          initializeTUFRepo(TARGETS), undefined, 'EXPIRES_MALFORMED', scratch,
        ),
    ],
  ];
  for (const [what, reason] of Object.entries(refusals)) {
    cases.push([
      `tuf_client refuses one changed byte: ${what}`,
      async (scratch) => {
        const result = await refuse(
          makeRepository(), changes[what], reason, scratch,
        );
        assert.ok(result.changed > 0, 'nothing was changed on the way');
      },
    ]);
  }
  return cases;
}

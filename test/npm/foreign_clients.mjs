// Other people's TUF clients against a trustd.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { initTUF } from '@sigstore/tuf';
import { Updater } from 'tuf-js';
import { changes, forwardTo, startServer } from './servers.mjs';

const CATALOG = 'catalog/v1/anchors.json';
const MEDIA_TYPE = 'application/vnd.anchorage.catalog.v1+json';

// Each fetches the catalog below `url`, trusting `root`, with nothing cached.
const clients = {
  'tuf-js': async (url, root, scratch) => {
    const metadataDir = path.join(scratch, 'metadata');
    const targetDir = path.join(scratch, 'targets');
    fs.mkdirSync(metadataDir);
    fs.mkdirSync(targetDir);
    fs.copyFileSync(root, path.join(metadataDir, 'root.json'));
    const updater = new Updater({
      metadataBaseUrl: url,
      metadataDir,
      targetBaseUrl: `${url}/targets`,
      targetDir,
      config: { fetchRetry: 0 },
    });
    await updater.refresh();
    const target = await updater.getTargetInfo(CATALOG);
    const file = await updater.downloadTarget(target, path.join(targetDir, 'a'));
    return fs.readFileSync(file, 'utf8');
  },
  '@sigstore/tuf': async (url, root, scratch) => {
    // It stores a target under its whole name and makes no folders for it.
    const cache = path.join(scratch, encodeURIComponent(url.slice(7)));
    fs.mkdirSync(path.join(cache, 'targets', path.dirname(CATALOG)), {
      recursive: true,
    });
    const tuf = await initTUF({
      mirrorURL: url,
      rootPath: root,
      cachePath: scratch,
      retry: 0,
    });
    return tuf.getTarget(CATALOG);
  },
};

// What a changed byte must be refused for, in their words: not because the
// server was not there.
const refusals = {
  target: /LengthOrHashMismatchError/,
  snapshot: /Expected hash \w+ but got \w+/,
  timestampSignature: /UnsignedMetadataError/,
};

// What an error says, and all that caused it.
function wordsOf(error) {
  const words = [];
  for (let e = error; e; e = e.cause) words.push(e.constructor.name, e.message);
  return words.join(' ');
}

function checkCatalog(text) {
  const catalog = JSON.parse(text);
  assert.equal(catalog.mediaType, MEDIA_TYPE);
  assert.ok(catalog.anchors.length > 100);
}

// Returns the cases: a name and what to do, given a folder of its own.
export function foreignClientCases(trustd) {
  const cases = [];
  for (const [name, fetchCatalog] of Object.entries(clients)) {
    cases.push([
      `${name} fetches and verifies the catalog`,
      async (scratch) =>
        checkCatalog(await fetchCatalog(trustd.url, trustd.root, scratch)),
    ]);
    const through = async (change, scratch, check) => {
      const proxy = await startServer(
        forwardTo(new URL(trustd.url).origin),
        change,
      );
      try {
        await check(
          fetchCatalog(`${proxy.url}/tuf`, trustd.root, scratch),
          proxy.state,
        );
      } finally {
        proxy.stop();
      }
    };
    cases.push([
      `${name} does so through a proxy that changes nothing`,
      (scratch) =>
        through(undefined, scratch, async (fetched) =>
          checkCatalog(await fetched),
        ),
    ]);
    for (const [what, expected] of Object.entries(refusals)) {
      cases.push([
        `${name} refuses one changed byte: ${what}`,
        (scratch) =>
          through(changes[what], scratch, async (fetched, state) => {
            await assert.rejects(fetched, (error) => {
              assert.match(wordsOf(error), expected);
              return true;
            });
            assert.ok(state.changed > 0, 'nothing was changed on the way');
          }),
      ]);
    }
  }
  return cases;
}

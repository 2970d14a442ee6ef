// usage: node main.mjs TRUSTD TUF_CLIENT
//
// Prints one line a case, and the count. Exit code 0: all passed.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { foreignClientCases } from './foreign_clients.mjs';
import { startTrustd } from './servers.mjs';

const [trustdProgram, tufClient] = process.argv.slice(2);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'anchorage-npm-'));
let passed = 0;
let failed = 0;
let trustd;

async function runAll(cases) {
  for (const [name, run] of cases) {
    try {
      await run(fs.mkdtempSync(path.join(scratch, 'case-')));
      passed += 1;
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}`);
      console.log(error);
    }
  }
}

try {
  trustd = await startTrustd(trustdProgram, scratch);
  await runAll(foreignClientCases(trustd));
  // Only now: repo-mock brings a library that takes over all of HTTP, in the
  // way of the clients above.
  const { foreignRepositoryCases } = await import('./foreign_repository.mjs');
  await runAll(foreignRepositoryCases(tufClient));
} catch (error) {
  failed += 1;
  console.log(error);
} finally {
  await trustd?.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

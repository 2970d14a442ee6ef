// usage: node check.mjs FILE...
// Whether each is a bill of materials by CycloneDX's own schema, with references
// that lead somewhere and something inside.
import { readFileSync } from 'node:fs';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  const problems = [];
  const invalid = await validator.validate(text);
  if (invalid !== null) problems.push(JSON.stringify(invalid));
  const bill = JSON.parse(text);
  const known = new Set(bill.components.map((part) => part['bom-ref']));
  for (const { ref, dependsOn } of bill.dependencies) {
    for (const name of [ref, ...dependsOn]) {
      if (!known.has(name)) problems.push(`${name} is no component`);
    }
  }
  const inside = bill.components.flatMap((part) => part.components ?? []);
  for (const name of ['abseil', 'yaml-cpp']) {
    if (!inside.some((part) => part.name === name && part.version)) {
      problems.push(`${name} is not listed`);
    }
  }
  console.log(problems.length === 0 ? 'ok      ' : 'FAILED  ', file);
  for (const problem of problems) console.log(problem);
  problems.length === 0 ? passed++ : failed++;
}
console.log(`${passed} passed, ${failed} failed`);

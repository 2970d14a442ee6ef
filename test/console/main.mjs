// Reads a console in a browser, calm and with a re-key that waits.
//
//   node main.mjs CONSOLE PICTURES
//
// SCRATCH has docs/regions.md, which trustd polls, and rekeyed.md; TRUSTCTL and
// ADMIN are the program and the address of the admin listener. One line a case;
// the last line is "N passed, N failed".

import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [base, pictures] = process.argv.slice(2);
const { TRUSTCTL, ADMIN, SCRATCH } = process.env;
const axe = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let passed = 0;
let failed = 0;
function check(name, problems) {
  if (problems.length === 0) {
    passed += 1;
    console.log(`ok ${name}`);
    return;
  }
  failed += 1;
  console.log(`FAILED ${name}`);
  for (const problem of problems) console.log(`  ${problem}`);
}

function trustctl(person, ...args) {
  return execFileSync(TRUSTCTL, [...args, '--server', ADMIN,
    '--tls-roots', join(SCRATCH, 'servers.pem'),
    '--client-cert', join(SCRATCH, `${person}.pem`),
    '--client-key', join(SCRATCH, `${person}.key`)], { encoding: 'utf8' });
}

// Without these it looks for its maker's hosts at every start.
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync'],
});

// A page of its own at a width and in a colour scheme, with what it did wrong.
async function open(path, { width = 1280, height = 800, dark = false } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    // axe-core runs where a page's own policy has no say.
    bypassCSP: false,
  });
  const page = await context.newPage();
  const problems = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${base}/`)) {
      problems.push(`a request to ${request.url()}`);
    }
  });
  page.on('requestfailed', (request) => {
    problems.push(`${request.url()}: ${request.failure().errorText}`);
  });
  page.on('response', (response) => {
    if (response.status() !== 200) {
      problems.push(`${response.url()}: ${response.status()}`);
    }
  });
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error}`));
  await page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener('securitypolicyviolation', (event) => {
      globalThis.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  await page.goto(base + path, { waitUntil: 'load' });
  return { context, page, problems };
}

// All that must hold of a page, however wide, light or dark.
async function examine(state, path, options, picture) {
  const { context, page, problems } = await open(path, options);
  for (const violation of await page.evaluate(() => globalThis.violations)) {
    problems.push(`policy: ${violation}`);
  }
  const [wide, inner] = await page.evaluate(
    () => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > inner) problems.push(`it is ${wide} wide in ${inner}`);
  const scripts = await page.evaluate(
    () => document.querySelectorAll('script,form,iframe,object').length);
  if (scripts !== 0) problems.push(`${scripts} elements that do something`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  for (const { id, help, nodes } of violations) {
    problems.push(`axe ${id}: ${help}: ${nodes[0].html.slice(0, 160)}`);
  }
  if (picture) {
    await page.screenshot({ path: join(pictures, `${picture}.png`) });
  }
  const shade = options.dark ? 'dark' : 'light';
  check(`${state}: ${path} at ${options.width ?? 1280}, ${shade}`, problems);
  await context.close();
}

// Every link can be reached and followed with the keyboard, the first being the
// one past the navigation.
async function useKeyboard() {
  const { context, page, problems } = await open('/');
  const links = await page.evaluate(
    () => document.querySelectorAll('a,pre[tabindex]').length);
  const seen = [];
  for (let i = 0; i < links; i += 1) {
    await page.keyboard.press('Tab');
    seen.push(await page.evaluate(() => {
      const { outlineStyle } = getComputedStyle(document.activeElement);
      return outlineStyle === 'none' ? '' : document.activeElement.outerHTML;
    }));
  }
  if (!seen[0].includes('#main')) problems.push(`the first is ${seen[0]}`);
  if (new Set(seen).size < links - 4) problems.push('some are not reached');
  if (seen.includes('')) problems.push('the focus does not show');
  await page.keyboard.press('Shift+Tab');
  await page.focus('a[href="/anchors"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/anchors`);
  check('the keyboard is enough', problems);
  await context.close();
}

// The same words without JavaScript, and on paper.
async function doWithout() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${base}/anchors`);
  const rows = await page.locator('tbody tr').count();
  check('it works without JavaScript', rows > 30 ? [] : [`${rows} rows`]);
  await page.emulateMedia({ media: 'print' });
  const shown = await page.locator('header nav').isVisible();
  check('paper has no navigation', shown ? ['it has'] : []);
  await context.close();
}

// Waits until a page has a text.
async function until(path, text) {
  for (let i = 0; i < 150; i += 1) {
    const answer = await fetch(base + path);
    if ((await answer.text()).includes(text)) return;
    await new Promise((done) => { setTimeout(done, 200); });
  }
  throw new Error(`${path} never says ${text}`);
}

const pages = ['/', '/anchors', '/anchors/aws/eu-central-1/iid-rsa2048',
  '/changes', '/sources', '/fleet', '/timeline', '/record', '/expiry',
  '/alerts'];

async function examineAll(state, paths) {
  for (const path of paths) {
    for (const dark of [false, true]) {
      await examine(state, path, { dark });
    }
    for (const width of [320, 2560]) await examine(state, path, { width });
  }
}

try {
  await until('/sources', '>working<');
  await examine('calm', '/', {}, 'overview-calm');
  await examineAll('calm', pages);
  await useKeyboard();
  await doWithout();

  copyFileSync(join(SCRATCH, 'rekeyed.md'), join(SCRATCH, 'docs/regions.md'));
  trustctl('alice', 'sources', 'poll', 'aws-docs');
  await until('/changes?state=open', '/changes/1');
  await examine('a re-key waits', '/', {}, 'overview-rekey');
  await examine('a re-key waits', '/', { width: 360 }, 'overview-360');
  await examine('a re-key waits', '/', { dark: true }, 'overview-dark');
  await examine('a re-key waits', '/changes/1', { height: 1180 }, 'decision');
  await examineAll('a re-key waits', ['/', '/anchors', '/changes',
    '/changes?state=open', '/changes/1', '/timeline', '/record']);
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

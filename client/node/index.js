// Verifies AWS's instance identity documents and Nitro attestation documents:
// libanchorage in Node.js. index.d.ts says what everything is.
'use strict';

const { readFile } = require('node:fs/promises');
const addon = require('./anchorage.node');

// The oldest library that has all that the addon calls: 1.1.0.
const OLDEST_LIBRARY = 10100;
if (addon.versionNumber < OLDEST_LIBRARY) {
  throw new Error(`libanchorage ${addon.version} is older than this package`);
}

// --- Names of the library's numbers -------------------------------------------

const CODES = [
  'OK',
  'USAGE',
  'UNREADABLE',
  'NOT_FROM_AWS',
  'STALE_OR_FOR_ANOTHER',
  'REFUSED_BY_POLICY',
  'UNDECIDED',
  'UNREACHABLE',
  'UPDATE_REFUSED',
];
const ORIGINS = [, 'BAKED_IN', 'CACHE', 'SERVER'];
const FRESHNESSES = [, 'FRESH', 'STALE', 'EXPIRED', 'BAKED_IN'];
const FORMS = [, 'signature', 'pkcs7', 'rsa2048'];
const TYPES = [, 'ENCLAVE', 'NITRO_TPM'];
const SOURCES = [, 'NSM', 'PROGRAM'];
const WHEN_EXPIRED = [, 'serve-last-good', 'refuse'];
const REPLAY_MODES = [
  ,
  'single-use',
  'first-use-binds',
  'newest-pending-time',
];

// --- Errors ---------------------------------------------------------------------

class AnchorageError extends Error {
  constructor(code, reason, message) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}
class Refused extends AnchorageError {}
for (const type of [AnchorageError, Refused]) {
  Object.defineProperty(type.prototype, 'name', { value: type.name });
}

const usage = (message) => new AnchorageError('USAGE', 'USAGE', message);

// What the addon failed with, as an Error.
function errorOf(failure) {
  if (failure instanceof Error) return failure;
  const code = CODES[failure.code] ?? 'UNDECIDED';
  const reason = failure.reason ?? code;
  const message = failure.message ?? reason;
  if (['USAGE', 'UNREACHABLE', 'UPDATE_REFUSED'].includes(code)) {
    return new AnchorageError(code, reason, message);
  }
  const refused = new Refused(code, reason, message);
  refused.check = failure.check;
  refused.certificateIndex =
    failure.certificateIndex >= 0 ? failure.certificateIndex : null;
  return withJson(refused, failure.json);
}

function call(what, ...args) {
  try {
    return what(...args);
  } catch (failure) {
    throw errorOf(failure);
  }
}

// Has JSON.stringify() print `json`.
function withJson(object, json) {
  return Object.defineProperty(object, 'toJSON', {
    value: () => JSON.parse(json),
  });
}

// --- Arguments ------------------------------------------------------------------
//
// What is undefined or null was not found, and is not taken for "not given".

// Returns what `object` has, each member made by its reader.
function readAll(object, readers, what) {
  if (typeof object !== 'object' || object === null) {
    throw usage(`${what} is no object`);
  }
  const values = {};
  // What is inherited was given too.
  for (const key in object) {
    if (!Object.hasOwn(readers, key)) throw usage(`${what} has no '${key}'`);
    values[key] = readers[key](object[key], key);
  }
  return values;
}

// A copy: the bytes may change while they are read.
function bytes(value, what) {
  if (!(value instanceof Uint8Array)) throw usage(`${what} is no Uint8Array`);
  return Buffer.from(value);
}

function string(value, what) {
  if (typeof value !== 'string') throw usage(`${what} is no string`);
  return Buffer.from(value);
}

const text = (value, what) =>
  typeof value === 'string' ? string(value, what) : bytes(value, what);

function integer(value, what) {
  if (!Number.isSafeInteger(value)) throw usage(`${what} is no integer`);
  return value;
}

function int32(value, what) {
  if (integer(value, what) !== (value | 0)) throw usage(`${what} is too large`);
  return value;
}

function boolean(value, what) {
  if (typeof value !== 'boolean') throw usage(`${what} is no boolean`);
  return value;
}

function time(value, what) {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw usage(`${what} is no date`);
  }
  return value.getTime();
}

const flag = (value, what) => Number(boolean(value, what));

const oneOf = (names) => (value, what) => {
  const number = names.indexOf(value);
  if (typeof value !== 'string' || number < 0) {
    throw usage(`${what} is none of ${names.filter(Boolean).join(', ')}`);
  }
  return number;
};

// The addon's handle of each object.
const handles = new WeakMap();

const madeBy = (type) => (value, what) => {
  if (!(value instanceof type)) throw usage(`${what} is no ${type.name}`);
  return handles.get(value);
};

// --- Policies and ledgers -------------------------------------------------------

class IdentityPolicy {
  constructor(policy, name = 'policy') {
    const args = [text(policy, 'the policy'), string(name, 'the name')];
    handles.set(this, call(addon.readIdentityPolicy, ...args));
  }
  static async load(path) {
    return new IdentityPolicy(await readFile(path), String(path));
  }
}

class AttestationPolicy {
  constructor(policy, name = 'policy') {
    const args = [text(policy, 'the policy'), string(name, 'the name')];
    handles.set(this, call(addon.readAttestationPolicy, ...args));
  }
  static async load(path) {
    return new AttestationPolicy(await readFile(path), String(path));
  }
}

class Ledger {
  constructor(maxEntries) {
    if (integer(maxEntries, 'maxEntries') < 1) {
      throw usage('a ledger of less than one entry');
    }
    handles.set(this, call(addon.newLedger, maxEntries));
  }
  forgetBefore(date) {
    return addon.forgetBefore(handles.get(this), time(date, 'the date'));
  }
}

// --- The client -----------------------------------------------------------------

const OPTIONS = {
  url: string,
  targetsUrl: string,
  trustedRoot: text,
  tlsRoots: text,
  cacheDir: string,
  bakedBundle: bytes,
  bakedBundleAsOf: time,
  furtherUrls: (value, what) => {
    if (!Array.isArray(value)) throw usage(`${what} is no array`);
    return Array.from(value, (url) => string(url, what));
  },
  proxy: string,
  proxyOfEnvironment: flag,
  backgroundRefresh: flag,
  refreshIntervalMs: integer,
  timeoutMs: integer,
  refreshBudgetMs: integer,
  maxStaleMs: integer,
  metricsFile: string,
  reportOutcomes: flag,
  reportIntervalMs: integer,
  reportSample: int32,
  identityWhenExpired: oneOf(WHEN_EXPIRED),
  attestationWhenExpired: oneOf(WHEN_EXPIRED),
};

const REPLAY = {
  ledger: madeBy(Ledger),
  mode: oneOf(REPLAY_MODES),
  binding: string,
};

const IDENTITY = {
  policy: madeBy(IdentityPolicy),
  document: text,
  form: oneOf(FORMS),
  replay: (value, what) => readAll(value, REPLAY, what),
  recordedAt: time,
  trace: boolean,
};

const THIS_INSTANCE = {
  policy: madeBy(IdentityPolicy),
  replay: (value, what) => readAll(value, REPLAY, what),
  imdsUrl: string,
  imdsTimeoutMs: integer,
  imdsVersion1: flag,
  trace: boolean,
};

const ATTEST = {
  nonce: bytes,
  userData: bytes,
  publicKey: bytes,
  newKey: boolean,
  program: string,
  timeoutMs: integer,
};

const ATTESTATION = {
  policy: madeBy(AttestationPolicy),
  nonce: bytes,
  userData: bytes,
  publicKey: bytes,
  recordedAt: time,
  trace: boolean,
};

// Returns the policy, and the rest as the addon takes it.
function readRequest(options, readers) {
  const { policy, replay, trace, ...request } = readAll(
    options,
    readers,
    'the options',
  );
  if (policy === undefined) throw usage('no policy');
  if (replay !== undefined) {
    if (replay.ledger === undefined || replay.mode === undefined) {
      throw usage('replay needs a ledger and a mode');
    }
    Object.assign(request, replay);
  }
  if (trace) request.trace = true;
  return [policy, request];
}

async function attest(options = {}) {
  const { timeoutMs, ...request } = readAll(options, ATTEST, 'the options');
  if (timeoutMs !== undefined) request.attestTimeoutMs = timeoutMs;
  try {
    const attested = await addon.attest(request);
    attested.source = SOURCES[attested.source] ?? null;
    return attested;
  } catch (failure) {
    throw errorOf(failure);
  }
}

// Freeing a client waits for a transfer that is under way: never here.
const forgotten = new FinalizationRegistry((handle) => addon.close(handle));

class Client {
  // undefined once it is closed.
  #handle;
  #calls = new Set();
  #closing;

  constructor(options = {}) {
    const values = readAll(options, OPTIONS, 'the options');
    if ((values.bakedBundle === undefined) !==
        (values.bakedBundleAsOf === undefined)) {
      throw usage('bakedBundle and bakedBundleAsOf need one another');
    }
    this.#handle = call(addon.open, values);
    forgotten.register(this, this.#handle, this);
  }

  #open() {
    if (this.#handle === undefined) throw usage('the client is closed');
    return this.#handle;
  }

  async #run(what, ...args) {
    const promise = what(this.#open(), ...args);
    this.#calls.add(promise);
    try {
      return await promise;
    } catch (failure) {
      throw errorOf(failure);
    } finally {
      this.#calls.delete(promise);
    }
  }

  async #identity(what, ...args) {
    const { json, ...identity } = await this.#run(what, ...args);
    identity.form = FORMS[identity.form] ?? null;
    return withJson(identity, json);
  }

  async verifyIdentity(evidence, options) {
    const request = readRequest(options, IDENTITY);
    const signature = text(evidence, 'the evidence');
    return this.#identity(addon.verifyIdentity, signature, ...request);
  }

  async verifyThisInstance(options) {
    const request = readRequest(options, THIS_INSTANCE);
    return this.#identity(addon.verifyThisInstance, ...request);
  }

  async verifyAttestation(document, options) {
    const [policy, request] = readRequest(options, ATTESTATION);
    const { json, ...attestation } = await this.#run(
      addon.verifyAttestation,
      bytes(document, 'the document'),
      policy,
      request,
    );
    attestation.type = TYPES[attestation.type] ?? null;
    // The array has holes, which forEach() does not visit.
    const pcrs = attestation.pcrs;
    attestation.pcrs = new Map();
    pcrs.forEach((pcr, index) => attestation.pcrs.set(index, pcr));
    return withJson(attestation, json);
  }

  async refresh() {
    await this.#run(addon.refresh);
  }

  async refreshOnce() {
    const { error, pauseMs } = await this.#run(addon.refreshOnce);
    return {
      error: error === undefined ? null : errorOf(error),
      pauseMs: pauseMs < 0 ? null : pauseMs,
    };
  }

  firstPauseMs() {
    const pauseMs = addon.firstPause(this.#open());
    return pauseMs < 0 ? null : pauseMs;
  }

  state() {
    const { json, ...state } = call(addon.state, this.#open());
    state.origin = ORIGINS[state.origin] ?? 'BAKED_IN';
    state.freshness = FRESHNESSES[state.freshness] ?? 'EXPIRED';
    return withJson(state, json);
  }

  close() {
    return (this.#closing ??= this.#close());
  }

  async #close() {
    const handle = this.#open();
    this.#handle = undefined;
    forgotten.unregister(this);
    addon.cancel(handle);
    await Promise.allSettled(this.#calls);
    await addon.close(handle);
  }
}

module.exports = {
  AnchorageError,
  AttestationPolicy,
  Client,
  IdentityPolicy,
  Ledger,
  Refused,
  attest,
  version: addon.version,
};

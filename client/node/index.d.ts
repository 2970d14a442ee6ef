/// <reference types="node" />

/**
 * Verifies AWS's instance identity documents and Nitro attestation documents
 * with a set of anchors that keeps itself current: libanchorage in Node.js.
 *
 * What is absent in a document is null, never "". An option that is undefined
 * or null is an error, never "not given", and so is one that is not known.
 */

/** The version and commit of the library, such as "1.1.0 (commit 9f3c2ab1c0de)". */
export const version: string;

export type Code =
  /** The caller's mistake, or the library's: not the evidence's. */
  | 'USAGE'
  | 'UNREADABLE'
  | 'NOT_FROM_AWS'
  | 'STALE_OR_FOR_ANOTHER'
  | 'REFUSED_BY_POLICY'
  /** Never a pass: no anchors, no memory, no algorithm, no ledger. */
  | 'UNDECIDED'
  /** Of refresh(): nobody answered. */
  | 'UNREACHABLE'
  /** Of refresh(): what came was not what the trusted keys signed. */
  | 'UPDATE_REFUSED';

/** Any failure. One that is no `Refused` says nothing of the evidence. */
export class AnchorageError extends Error {
  readonly code: Code;
  /**
   * A stable name: "USAGE", what is wrong with a policy, such as
   * "POLICY_EMPTY", or that of a TUF reason.
   */
  readonly reason: string;
}

/**
 * The evidence is not good. `reason` is a stable name, such as
 * "SIGNATURE_MISMATCH"; `message` says what was expected beside what was found.
 */
export class Refused extends AnchorageError {
  /** The step that failed, such as "product-codes". */
  readonly check: string | null;
  /** The certificate of a chain that failed, 0 for the leaf. */
  readonly certificateIndex: number | null;
  /** What `trustctl verify --output json` prints. */
  toJSON(): unknown;
}

export type WhenExpired = 'serve-last-good' | 'refuse';

export interface ClientOptions {
  /**
   * Where a trustd, a CDN or a bucket has the files, such as
   * "https://trust.example.com/tuf/". Default: nowhere. Needs a trusted root,
   * and libcurl.so.4 when something is first fetched.
   */
  url?: string;
  /** Where its targets are. Default: "targets/" below `url`. */
  targetsUrl?: string;
  /**
   * Other places with the same files, asked in turn where those before do not
   * answer, or not with what verifies; at most 16.
   */
  furtherUrls?: string[];
  /** A proxy's URL. Default: none. */
  proxy?: string;
  /** The proxy is what https_proxy and the like say. Default: false. */
  proxyOfEnvironment?: boolean;
  /** The root.json of the repository, from a channel that you trust. */
  trustedRoot?: string | Uint8Array;
  /** PEM certificates that the server's must chain to. Default: the system's. */
  tlsRoots?: string | Uint8Array;
  /**
   * A folder for what was last verified, of root's or of this process's user,
   * for any number of clients; needs a trusted root. Default: none.
   */
  cacheDir?: string;
  /**
   * The set that is there before any other, a serialised GetUpdateResponse, and
   * when it was known to be the newest. Default: the one that is built in.
   */
  bakedBundle?: Uint8Array;
  bakedBundleAsOf?: Date;
  /** false: asks only where refresh() or refreshOnce() is called. Default: true. */
  backgroundRefresh?: boolean;
  /** At least 1000. Default: an hour. */
  refreshIntervalMs?: number;
  /** The longest that one file may take, up to an hour. Default: 20,000. */
  timeoutMs?: number;
  /** The longest that one refresh may take, up to an hour. Default: 120,000. */
  refreshBudgetMs?: number;
  /**
   * For node_exporter's textfile collector: an absolute path that ends in
   * ".prom", of this client alone. Default: none.
   */
  metricsFile?: string;
  /**
   * Reports to the server how many verifications ended how, by slot and reason;
   * no account, instance or address. Default: false.
   */
  reportOutcomes?: boolean;
  /** Between two reports, a minute to a day. Default: 15 minutes. */
  reportIntervalMs?: number;
  /** Sends one of so many reports, by chance. Default: 1. */
  reportSample?: number;
  /**
   * How long a set is STALE before it is EXPIRED, at most 365 days. Default: 30
   * days.
   */
  maxStaleMs?: number;
  /** What an EXPIRED set does. Default: "serve-last-good". */
  identityWhenExpired?: WhenExpired;
  /** Default: "refuse". */
  attestationWhenExpired?: WhenExpired;
}

/** What is demanded of an identity document. */
export class IdentityPolicy {
  /**
   * Reads a policy, YAML or JSON; `name` stands in messages.
   * @throws {AnchorageError}
   */
  constructor(policy: string | Uint8Array, name?: string);
  /** Reads a policy from a file. */
  static load(path: string): Promise<IdentityPolicy>;
  private readonly isIdentityPolicy: never;
}

/** What is demanded of an attestation document. */
export class AttestationPolicy {
  /**
   * Reads a policy, YAML or JSON, or a key policy of AWS KMS; `name` stands in
   * messages.
   * @throws {AnchorageError}
   */
  constructor(policy: string | Uint8Array, name?: string);
  /** Reads a policy from a file. */
  static load(path: string): Promise<AttestationPolicy>;
  private readonly isAttestationPolicy: never;
}

/** Remembers which documents were used, in memory. */
export class Ledger {
  /** A new key is refused once it holds `maxEntries`. */
  constructor(maxEntries: number);
  /** Forgets documents from before `date`; returns how many. */
  forgetBefore(date: Date): number;
}

export type Form = 'signature' | 'pkcs7' | 'rsa2048';

export interface Replay {
  ledger: Ledger;
  mode: 'single-use' | 'first-use-binds' | 'newest-pending-time';
  /** Whatever names the sender, with "first-use-binds"; not with the others. */
  binding?: string;
}

export interface IdentityOptions {
  policy: IdentityPolicy;
  /** The document's exact bytes, which the answer of "signature" has not. */
  document?: string | Uint8Array;
  /** Which form the evidence must be in. Default: it is recognised. */
  form?: Form;
  replay?: Replay;
  /**
   * Judges evidence that was recorded as of then: never an answer about who is
   * there now.
   */
  recordedAt?: Date;
  /** Records every check, for toJSON(). Default: false. */
  trace?: boolean;
}

export interface ThisInstanceOptions {
  policy: IdentityPolicy;
  replay?: Replay;
  /** Another address than EC2's two, "http://HOST[:PORT]": for tests. */
  imdsUrl?: string;
  /** The longest that all requests may take, up to an hour. Default: 10,000. */
  imdsTimeoutMs?: number;
  /** Asks without a token: only for an instance that gives none. */
  imdsVersion1?: boolean;
  /** Records every check, for toJSON(). Default: false. */
  trace?: boolean;
}

/** What AWS says of an instance. */
export interface Identity {
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
  readonly availabilityZone: string;
  readonly instanceId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly architecture: string;
  readonly version: string;
  readonly kernelId: string | null;
  readonly ramdiskId: string | null;
  readonly privateIp: string | null;
  /** null: the document has no list. */
  readonly productCodes: string[] | null;
  readonly billingProducts: string[] | null;
  /** When the instance was last launched or started. */
  readonly pendingTime: Date;
  readonly signingTime: Date | null;
  readonly form: Form | null;
  /** The exact bytes that AWS signed. */
  readonly document: Buffer;
  /** What is worth knowing and no fault, by name. */
  readonly notes: string[];
  /** What `trustctl verify identity --output json` prints. */
  toJSON(): unknown;
}

export interface AttestationOptions {
  policy: AttestationPolicy;
  /** What the nonce must be, exactly; an empty one is an error. */
  nonce?: Uint8Array;
  /** What the field must be, exactly; empty is present and empty. */
  userData?: Uint8Array;
  publicKey?: Uint8Array;
  /** As for an identity. */
  recordedAt?: Date;
  trace?: boolean;
}

/** What the Nitro hypervisor says of an enclave or an instance. */
export interface Attestation {
  readonly type: 'ENCLAVE' | 'NITRO_TPM' | null;
  readonly moduleId: string;
  readonly partition: string;
  /** null: not known. Code that keys anything on it refuses such evidence. */
  readonly instanceId: string | null;
  readonly region: string | null;
  /** The release whose measurements these are. */
  readonly release: string | null;
  /** When the document was made. */
  readonly time: Date;
  /** null: absent; present and empty is an empty buffer. */
  readonly publicKey: Buffer | null;
  readonly userData: Buffer | null;
  readonly nonce: Buffer | null;
  /** By index; what the document does not have is not in it. */
  readonly pcrs: Map<number, Buffer>;
  /** What is worth knowing and no fault, by name. */
  readonly notes: string[];
  /** What `trustctl verify attestation --output json` prints. */
  toJSON(): unknown;
}

/** What is not given is not in the document; empty is present and empty. */
export interface AttestOptions {
  nonce?: Uint8Array;
  userData?: Uint8Array;
  publicKey?: Uint8Array;
  /**
   * Makes a key, whose public key the document holds: RSA with 2048 bits, as a
   * Recipient of AWS KMS has it.
   */
  newKey?: boolean;
  /**
   * The absolute path of the program that an instance attests with. Default:
   * "/usr/bin/nitro-tpm-attest".
   */
  program?: string;
  /** The longest that the program may take, up to ten minutes. Default: 30,000. */
  timeoutMs?: number;
}

/** An attestation document of this machine. */
export interface Attested {
  readonly document: Buffer;
  readonly source: 'NSM' | 'PROGRAM' | null;
  /**
   * PKCS #8, DER; null: no key was made. Who is done with it overwrites it:
   * `privateKey.fill(0)`.
   */
  readonly privateKey: Buffer | null;
}

/**
 * Asks this machine's enclave or NitroTPM for a document, on a thread of its own.
 * Whether AWS made it is for who verifies it, elsewhere. Rejects with a Refused
 * whose code is UNDECIDED and whose reason is one such as ATTESTATION_ABSENT:
 * there is no document.
 */
export function attest(options?: AttestOptions): Promise<Attested>;

/** How a client stands. */
export interface State {
  readonly origin: 'BAKED_IN' | 'CACHE' | 'SERVER';
  readonly freshness: 'FRESH' | 'STALE' | 'EXPIRED' | 'BAKED_IN';
  readonly sequence: bigint;
  readonly asOf: Date;
  /** null: the set does not age. */
  readonly freshUntil: Date | null;
  /** Everything that the client counts, for status pages. */
  toJSON(): unknown;
}

/** Verifies with the newest set of anchors that it has. */
export class Client {
  /**
   * Never waits for the network and never fails for want of it.
   * @throws {AnchorageError}
   */
  constructor(options?: ClientOptions);

  /**
   * Verifies what IMDS answers below /latest/dynamic/instance-identity/: the
   * answer of "rsa2048", "pkcs7" or "signature" as it came. Rejects with a
   * Refused where the evidence is not good. Runs on a thread of libuv's pool.
   */
  verifyIdentity(
    evidence: string | Uint8Array,
    options: IdentityOptions,
  ): Promise<Identity>;

  /**
   * Gets the identity of the instance that this process runs on from IMDSv2, on
   * a thread of its own, and verifies it: the strongest form that the policy
   * allows and that there is. Each call asks anew. Rejects as verifyIdentity()
   * does; with the code UNDECIDED and a reason such as IMDS_ABSENT there was
   * nothing to verify.
   */
  verifyThisInstance(options: ThisInstanceOptions): Promise<Identity>;

  /**
   * Verifies a document of an enclave or a NitroTPM, as the policy says.
   * Rejects as verifyIdentity() does.
   */
  verifyAttestation(
    document: Uint8Array,
    options: AttestationOptions,
  ): Promise<Attestation>;

  /**
   * Asks the server now, on a thread of its own. Whatever comes, the set is as
   * good as before.
   */
  refresh(): Promise<void>;

  /**
   * refresh() for a host with a loop of its own and no background refresh:
   * `error` is null where the server's set is in use, and `pauseMs` is how long
   * to wait before the next call; null where there is no URL.
   */
  refreshOnce(): Promise<{ error: AnchorageError | null; pauseMs: number | null }>;

  /**
   * How long to wait before the first refreshOnce(), so that a fleet does not ask
   * together; null as there.
   */
  firstPauseMs(): number | null;

  /** A snapshot. */
  state(): State;

  /**
   * Ends a refresh under way within about a second: it rejects with
   * UNREACHABLE. Frees what the client holds once all its calls have ended;
   * later calls fail. A client that nothing refers to is freed by itself.
   */
  close(): Promise<void>;
}
